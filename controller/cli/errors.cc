// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/errors.h"

#include "controller/cli/session.h"

namespace tidelock::cli {
namespace {

std::string cause_text(const Cause& cause) {
  return cause.field.empty() ? cause.message : cause.field + ": " + cause.message;
}

std::string invalid_text(const Error& error) {
  std::string text = "The request is invalid";
  if (!error.kind.empty() || !error.name.empty()) {
    text = "The " + error.kind + " \"" + error.name + "\" is invalid";
  } else if (error.causes.empty()) {
    return text + ": " + error.message;
  }
  if (error.causes.empty()) return text + (error.message.empty() ? "" : ": " + error.message);
  if (error.causes.size() == 1) return text + ": " + cause_text(error.causes.front());
  text += ": ";
  for (const Cause& cause : error.causes) text += "\n* " + cause_text(cause);
  return text;
}

}  // namespace

std::string error_text(const Error& error) {
  if (error.code == kLocal) return "error: " + error.message;
  if (error.code == kNoAnswer) return error.message;
  if (error.reason == Reason::Invalid) return invalid_text(error);
  if (error.reason == Reason::Unauthorized) {
    return "error: You must be logged in to the server (" + error.message + ")";
  }
  const std::string_view reason = to_string(error.reason);
  if (reason.empty()) return "Error from server: " + error.message;
  return "Error from server (" + std::string(reason) + "): " + error.message;
}

}  // namespace tidelock::cli
