// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/write_operation.h"

#include <exception>
#include <memory>
#include <utility>

#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/status.h"
#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/base/plant.h"

namespace tidelock::apiserver {
namespace {

// A lost race means that somebody else got ahead, so this is only reached under heavy contention.
constexpr int kAttemptsMax = 100;

class RunningWrite : public std::enable_shared_from_this<RunningWrite> {
 public:
  RunningWrite(Context& context, WriteOperation operation, WriteDone done)
      : context_(context), operation_(std::move(operation)), done_(guarded(std::move(done))) {
    context_.in_flight.enter();
  }
  ~RunningWrite() { context_.in_flight.leave(); }
  RunningWrite(const RunningWrite&) = delete;
  RunningWrite& operator=(const RunningWrite&) = delete;

  void attempt() {
    std::optional<store::Entry> current;
    if (operation_.read_first || attempts_ > 0) {
      auto read = context_.store.get(operation_.key);
      if (!read) return done_(fail(from_store(read.error())));
      current = std::move(*read);
    }
    ++attempts_;
    auto change = decide(current ? &*current : nullptr);
    if (!change) return done_(fail(change.error()));
    if (change->kind == Change::Kind::Put && current && change->stored == current->value) {
      change->kind = Change::Kind::Keep;
    }
    if (change->kind == Change::Kind::Keep) return finish_unchanged(std::move(current));
    if (change->stored.size() > limits::kObjectBytesMax && change->kind == Change::Kind::Put) {
      return done_(fail(internal_error("etcdserver: request is too large")));
    }
    submit(std::move(*change), current ? current->mod_revision : 0);
  }

 private:
  // The answer may be made on the store's thread, into which nothing may be thrown.
  static WriteDone guarded(WriteDone done) {
    return [done = std::move(done)](Result<Written> written) {
      try {
        done(std::move(written));
      } catch (const std::exception& failure) {
        log_error("answer could not be made", {{"error", failure.what()}});
      }
    };
  }

  // Runs on the store's thread when a race was lost: nothing may be thrown into it.
  Result<Change> decide(const store::Entry* current) {
    try {
      return operation_.decide(current);
    } catch (const std::exception& failure) {
      log_error("write failed", {{"key", operation_.key}, {"error", failure.what()}});
      return fail(Reason::InternalError, "Internal error occurred");
    }
  }

  void finish_unchanged(std::optional<store::Entry> current) {
    if (!current) return done_(fail(Reason::InternalError, "nothing to keep"));
    done_(Written{Change::Kind::Keep, std::move(current->value), current->mod_revision, false});
  }

  void submit(Change change, store::Revision expected) {
    Written written{change.kind, std::move(change.stored), expected, expected == 0};
    if (operation_.dry_run) return done_(std::move(written));
    store::Put put{operation_.key, std::nullopt, expected};
    if (TIDELOCK_PLANT(LastWriterWins)) put.expected.reset();
    if (written.kind == Change::Kind::Put) put.value = written.stored;
    std::vector<store::Put> puts;
    puts.push_back(std::move(put));
    context_.store.submit(std::move(puts),
                          [self = shared_from_this(), written = std::move(written)](
                              Result<store::Revision> revision) mutable {
                            self->committed(std::move(written), std::move(revision));
                          });
  }

  void committed(Written written, Result<store::Revision> revision) {
    if (!revision && TIDELOCK_PLANT(AcknowledgeLost)) revision = written.revision + 1;
    if (!revision) {
      if (revision.error().reason != Reason::Conflict) return done_(fail(from_store(revision.error())));
      if (attempts_ < kAttemptsMax) return attempt();
      return done_(fail(conflict_modified(*operation_.type, split_key(operation_.key).name)));
    }
    written.revision = *revision;
    context_.committed(*operation_.type, operation_.key,
                       written.kind == Change::Kind::Put ? &written.stored : nullptr, *revision);
    done_(std::move(written));
  }

  Context& context_;
  WriteOperation operation_;
  WriteDone done_;
  int attempts_ = 0;
};

}  // namespace

void start_write(Context& context, WriteOperation operation, WriteDone done) {
  std::make_shared<RunningWrite>(context, std::move(operation), std::move(done))->attempt();
}

}  // namespace tidelock::apiserver
