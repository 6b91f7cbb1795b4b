// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or the reason why there is none. Expected failures travel only this way.
//
// tl::expected (std::expected's forerunner; g++ 12 has no std::expected) made [[nodiscard]].
//   Result<int> parse(...);           if (!r) return fail(r.error());
//   return fail(Reason::NotFound, "…");
#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "controller/base/error.h"

namespace tidelock {

template <class T, class E = Error>
class [[nodiscard]] Result : public tl::expected<T, E> {
 public:
  using tl::expected<T, E>::expected;
  Result(tl::expected<T, E> other) : tl::expected<T, E>(std::move(other)) {}
};

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fail(Reason reason, std::string message) {
  return tl::unexpected<Error>(make_error(reason, std::move(message)));
}

}  // namespace tidelock
