// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/os_error.h"

#include <cerrno>
#include <system_error>

namespace tidelock::platform {
namespace {

Reason reason_of(int error_number) {
  switch (error_number) {
    case ENOENT: return Reason::NotFound;
    case EEXIST: return Reason::AlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return Reason::Forbidden;
    case ENOTEMPTY:
    case EBUSY:
    case ETXTBSY:
    case EWOULDBLOCK: return Reason::Conflict;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return Reason::ServiceUnavailable;
    case EINVAL:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOEXEC:
    case E2BIG:
    case EXDEV: return Reason::Invalid;
    default: return Reason::InternalError;
  }
}

}  // namespace

Error os_error(int error_number, const std::string& what) {
  // A quota is a full disk to the one who writes; callers look for one text.
  const int shown = error_number == EDQUOT ? ENOSPC : error_number;
  return make_error(reason_of(error_number),
                    what + ": " + std::generic_category().message(shown));
}

}  // namespace tidelock::platform
