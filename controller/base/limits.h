// SPDX-License-Identifier: Apache-2.0
// Every limit of the program, in one place. Each has a test at the limit and one past it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidelock::limits {

// API requests (the first four are kube-apiserver's own).
inline constexpr std::size_t kRequestBodyBytesMax = 3 * 1024 * 1024;
inline constexpr std::size_t kObjectBytesMax = 1536 * 1024;
inline constexpr std::size_t kJsonPatchOperationsMax = 10'000;
inline constexpr std::size_t kAnnotationsBytesMax = 256 * 1024;
inline constexpr std::size_t kFieldManagerBytesMax = 128;
inline constexpr std::size_t kJsonDepthMax = 100;
inline constexpr std::size_t kHttpHeaderBytesMax = 64 * 1024;
inline constexpr std::size_t kHttpTargetBytesMax = 16 * 1024;
inline constexpr std::size_t kHttpConnectionsMax = 4096;
inline constexpr std::chrono::seconds kHttpRequestReadTimeout{30};
inline constexpr std::chrono::seconds kHttpIdleTimeout{120};
inline constexpr std::size_t kListPageMax = 10'000;

// YAML.
inline constexpr std::size_t kYamlBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kYamlNodesMax = 1'000'000;
inline constexpr std::size_t kYamlAliasesMax = 1'000;  // expanded nodes count against kYamlNodesMax
inline constexpr std::size_t kYamlDepthMax = 100;

// Watches.
inline constexpr std::size_t kWatchBacklogEventsMax = 10'000;  // per watcher; beyond it: 410
inline constexpr std::size_t kWatchHistoryEventsMax = 100'000;  // kept in memory for new watchers
inline constexpr std::size_t kWatchHistoryBytesMax = 128 * 1024 * 1024;  // keys and values of those

// Store.
inline constexpr std::size_t kStoreCommitBatchMax = 1'000;
inline constexpr std::size_t kStoreCommitBatchBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kStoreQueueMax = 100'000;
inline constexpr std::size_t kStoreQueueBytesMax = 256 * 1024 * 1024;
inline constexpr std::size_t kStorePutsPerTransactionMax = 10'000;
inline constexpr std::size_t kCompactionRowsPerStep = 1'000;

// Manifests.
inline constexpr std::size_t kStepsPerProjectMax = 100;
inline constexpr std::size_t kLocksPerRequestMax = 32;
inline constexpr std::size_t kVariablesMax = 1'000;
inline constexpr std::size_t kVariableBytesMax = 64 * 1024;
inline constexpr std::size_t kTemplateDepthMax = 16;
inline constexpr std::size_t kTemplateBytesMax = 1024 * 1024;  // of one expanded text
inline constexpr std::size_t kTemplateNamesMax = 10'000;       // looked up for one text
inline constexpr std::size_t kWhenDepthMax = 32;               // parentheses and negations
inline constexpr int kRetriesMax = 100;
inline constexpr int kPriorityMax = 1'000'000;  // and its negative
inline constexpr std::size_t kScriptBytesMax = 256 * 1024;
inline constexpr std::size_t kCronBytesMax = 1'024;
inline constexpr std::size_t kTimeZoneNameBytesMax = 64;
inline constexpr std::size_t kWavesMax = 32;      // a rollout's status stays under 32 KB
inline constexpr std::size_t kRampStepsMax = 20;  // of a wave
inline constexpr std::size_t kGatesPerListMax = 10;  // of a wave's `before`, and of its `after`
inline constexpr int kGateApproversMax = 100;
inline constexpr std::size_t kOrderKeysMax = 10;
inline constexpr int kHealthFailuresMax = 100;  // in a row, before a pair is unhealthy
inline constexpr int kCorrectionsMax = 1'000;   // of drift, of a pair per hour
inline constexpr std::size_t kReasonBytesMax = 4'096;  // of an approval or a hold
inline constexpr int kWindowOpeningsAhead = 1'000;  // touching ones that are followed to an end
inline constexpr int kWindowChangesAhead = 200;     // of a pair's windows, to when it may start
inline constexpr std::size_t kBlockedByMax = 8;
inline constexpr std::size_t kInstallationHistoryMax = 10;
inline constexpr std::size_t kStatusNamesMax = 20;
// A candidate is put back by `rollout.order.by: [remaining-work]` behind those only that ask within the
// same period (counted from 1970): later ones never pass it.
inline constexpr std::chrono::hours kLearnedOrderPeriod{1};

// tidectl plan: points in time that a forecast looks at before it gives up.
inline constexpr int kForecastEventsMax = 100'000;

// Agent.
inline constexpr std::size_t kJournalBytesMax = 1024 * 1024 * 1024;
inline constexpr std::size_t kJournalRewriteBytes = 4 * 1024 * 1024;  // rewritten past it
inline constexpr std::size_t kStepOutputsMax = 1'000;
inline constexpr std::size_t kUnsentLogBytesMax = 1024 * 1024;  // per step, while nobody takes it
inline constexpr std::size_t kSubstitutedFileBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kHttpStepBodyBytesMax = 64 * 1024;  // of the answer, kept for the log
inline constexpr std::size_t kScriptArgumentBytesMax = 64 * 1024;  // longer bodies go to a file
inline constexpr std::size_t kStepOutputFileBytesMax = 256 * 1024;
inline constexpr std::size_t kStepMessageBytesMax = 1'024;
inline constexpr std::size_t kProcessUnreadBytesMax = 1024 * 1024;  // per process; then it waits
inline constexpr std::size_t kLogLineBytesMax = 16 * 1024;
inline constexpr std::size_t kTaskLogBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kHealthChecksMax = 4;    // at once per agent
inline constexpr std::size_t kInstalledLooksMax = 4;  // at what is installed, at once per agent
inline constexpr std::size_t kReceiptBytesMax = 64 * 1024;
inline constexpr std::uint64_t kArchiveBytesMax = 16ULL * 1024 * 1024 * 1024;
inline constexpr std::uint64_t kArchiveEntriesMax = 1'000'000;
inline constexpr std::uint64_t kArchiveRatioMax = 1'000;  // unpacked : packed, past 64 MiB unpacked
inline constexpr std::uint64_t kDownloadBytesMax = 8ULL * 1024 * 1024 * 1024;

}  // namespace tidelock::limits
