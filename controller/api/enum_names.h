// SPDX-License-Identifier: Apache-2.0
// The spelling of every enum of the API, in the order of its enumerators.
#pragma once

#include <array>
#include <string_view>

#include "controller/api/kinds.h"

namespace tidelock::api {

template <class E>
inline constexpr std::array<std::string_view, 0> kEnumNames{};

template <>
inline constexpr std::array<std::string_view, 8> kEnumNames<Action>{
    "None", "Install", "Upgrade", "Downgrade", "Redeploy", "Rollback", "Remove", "Blocked"};
template <>
inline constexpr std::array<std::string_view, 9> kEnumNames<TaskPhase>{
    "Pending",  "Running",   "Orphaned",   "Succeeded",  "Failed",
    "TimedOut", "Cancelled", "Superseded", "Interrupted"};
template <>
inline constexpr std::array<std::string_view, 8> kEnumNames<StepPhase>{
    "Pending",  "Running", "Succeeded", "Failed",
    "TimedOut", "Skipped", "Cancelled", "Interrupted"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<LockMode>{"Exclusive", "Shared"};
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<LockScope>{"Global", "Environment",
                                                                       "Target", "Tenant"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<LockGranularity>{"Deployment", "Step"};
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<Executor>{"Agent", "Local", "SSH",
                                                                      "HTTP"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<StepStart>{"AfterPrevious",
                                                                       "WithPrevious"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<StepIsolation>{"Shared", "Exclusive"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<Supersede>{"FinishInFlight",
                                                                       "StopAtStepBoundary"};
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<DriftMode>{"Never", "Report", "Correct",
                                                                       "CorrectInWindow"};
template <>
inline constexpr std::array<std::string_view, 5> kEnumNames<OnFailure>{
    "Pause", "Stop", "Continue", "RollbackWave", "RollbackAll"};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<UnreachablePolicy>{"Wait", "Skip", "Fail"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<MembersAdded>{"JoinWave", "NextRollout"};
template <>
inline constexpr std::array<std::string_view, 1> kEnumNames<MembersRemoved>{"Skip"};
template <>
inline constexpr std::array<std::string_view, 7> kEnumNames<WavePhase>{
    "Pending", "Running", "Soaking", "Gated", "Succeeded", "Failed", "Skipped"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<WindowKind>{"Allow", "Deny"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<WindowInFlight>{"Finish", "Cancel"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<ApprovalDecision>{"Approve", "Reject"};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<CancelMode>{"StepBoundary", "Now"};
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<LabelSelectorRequirement::Operator>{
    "In", "NotIn", "Exists", "DoesNotExist"};

}  // namespace tidelock::api
