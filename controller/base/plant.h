// SPDX-License-Identifier: Apache-2.0
// Bugs that are planted on purpose, to see that the simulation finds them (tests/simulation).
//
//   if (fits || TIDELOCK_PLANT(SkipLockCheck)) …
// In the product TIDELOCK_PLANT is the constant false and leaves nothing behind. Files that include this are
// compiled a second time, with TIDELOCK_PLANTED_BUGS, for the simulation alone. Not for headers.
#pragma once

#ifdef TIDELOCK_PLANTED_BUGS

#define TIDELOCK_PLANTS(X) \
  X(AcknowledgeLost) X(AdoptNothing) X(BookmarkAhead) X(CapacityPlusOne) X(CountParkedTask) \
  X(DropStepLocks) X(DropWatchEvent) X(ForgetFence) X(IgnoreBudget) \
  X(IgnoreDeletion) X(IgnoreExpired) X(IgnoreGrantFence) X(IgnoreJournal) \
  X(JournalInMemory) X(KeepEpoch) X(LastWriterWins) X(LeadForEver) X(LoseLockWakeUp) \
  X(OrphanFreesLocks) X(ParkedFreesLocks) X(PlanOnUnknownGrant) X(PlanWithoutLease) \
  X(ReceiptOfOther) X(ReleaseAtCancel) X(ReportTheWish) X(RetainNothing) X(RetrySameAttempt) \
  X(SkipLockCheck) X(SkipReadAtTakeover) X(SkipServerEvent) X(StealLease) X(SwitchTooEarly) \
  X(TrustKill) X(TrustLateGrants) X(UnconditionalWrite)

namespace tidelock {
#define TIDELOCK_PLANT_VALUE(name) name,
enum class Plant { None, TIDELOCK_PLANTS(TIDELOCK_PLANT_VALUE) };
#undef TIDELOCK_PLANT_VALUE
extern Plant planted;  // the one that is on
}  // namespace tidelock

#define TIDELOCK_PLANT(name) (::tidelock::planted == ::tidelock::Plant::name)

#else

#define TIDELOCK_PLANT(name) false

#endif
