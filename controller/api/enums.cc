// SPDX-License-Identifier: Apache-2.0
#include "controller/api/codec.h"
#include "controller/api/enum_names.h"

namespace tidelock::api {
namespace {

template <class E>
std::string_view name_of(E value) {
  const auto index = static_cast<std::size_t>(value);
  return index < kEnumNames<E>.size() ? kEnumNames<E>[index] : std::string_view();
}

}  // namespace

std::string_view to_string(Action value) { return name_of(value); }
std::string_view to_string(TaskPhase value) { return name_of(value); }
std::string_view to_string(StepPhase value) { return name_of(value); }
std::string_view to_string(LockMode value) { return name_of(value); }
std::string_view to_string(LockScope value) { return name_of(value); }
std::string_view to_string(LockGranularity value) { return name_of(value); }
std::string_view to_string(Executor value) { return name_of(value); }
std::string_view to_string(StepStart value) { return name_of(value); }
std::string_view to_string(StepIsolation value) { return name_of(value); }
std::string_view to_string(Supersede value) { return name_of(value); }
std::string_view to_string(WavePhase value) { return name_of(value); }
std::string_view to_string(OnFailure value) { return name_of(value); }
std::string_view to_string(CancelMode value) { return name_of(value); }

bool is_terminal(TaskPhase phase) {
  switch (phase) {
    case TaskPhase::Pending:
    case TaskPhase::Running:
    case TaskPhase::Orphaned: return false;
    case TaskPhase::Succeeded:
    case TaskPhase::Failed:
    case TaskPhase::TimedOut:
    case TaskPhase::Cancelled:
    case TaskPhase::Superseded:
    case TaskPhase::Interrupted: return true;
  }
  return false;
}

std::int64_t to_integer(const Fence& fence) {
  return fence.epoch * (kFenceSequenceMax + 1) + fence.sequence;
}

Fence fence_from_integer(std::int64_t value) {
  return {value / (kFenceSequenceMax + 1), value % (kFenceSequenceMax + 1)};
}

}  // namespace tidelock::api
