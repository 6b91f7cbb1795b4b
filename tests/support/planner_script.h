// SPDX-License-Identifier: Apache-2.0
// Scenario scripts: text in, text out. A block is commands, "----", what they print, a blank line.
//
//   lockgroup NAME [scope=Target] [capacity=1] [granularity=Step] [maxBypass=0] [waitTimeout=10s]
//   budget NAME max=N [projects=a,b] [targets=a,b]    target NAME slots=N [unready]
//   tenants t01 t02 … | t01..t10                       environment NAME [paused]
//   project NAME [locks=…] steps: a b:30 c[group,shared:group,2:group] d! +e
//       :N seconds (default 10) · ~N retries · [locks] · ! isolation Exclusive · + start
//       WithPrevious
//   release PROJECT VERSION
//   deploy NAME PROJECT VERSION [tenants=a,b] [targets=a,b] [priority=N]
//   [supersede=StopAtStepBoundary]
//          [inflight=N] [retry=N] [paused]
//   at SECOND · run · timeline [step] · peak [step] · shares [SINCE] · why PAIR · locks [INSTANCE]
//   · status · tasks
#pragma once

#include <string>

namespace tidelock::testing {

// The script with every output replaced by what really is printed.
std::string run_script(const std::string& text);

}  // namespace tidelock::testing
