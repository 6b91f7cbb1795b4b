// SPDX-License-Identifier: Apache-2.0
// The stores against an obvious model, through random writes, compactions, watches and reopens.
#include <catch2/catch.hpp>
#include <deque>
#include <map>

#include "controller/base/random.h"
#include "tests/support/effort.h"
#include "tests/unit/store/store_kinds.h"

namespace tidelock::store {
namespace {

// All history as a list of states: slow and plainly right.
class Model {
 public:
  using State = std::map<std::string, std::string>;

  Revision revision() const { return static_cast<Revision>(states_.size()) - 1; }
  const State& at(Revision revision) const { return states_[static_cast<std::size_t>(revision)]; }
  Revision mod_revision(const std::string& key) const {
    const auto found = mod_.find(key);
    return found == mod_.end() ? 0 : found->second;
  }

  // Whether the transaction is accepted; applies it then.
  bool apply(const std::vector<Put>& puts) {
    for (const Put& put : puts) {
      if (put.expected && *put.expected != mod_revision(put.key)) return false;
    }
    State next = states_.back();
    bool changed = false;
    for (const Put& put : puts) {
      if (put.value) {
        next[put.key] = *put.value;
        changed = true;
      } else if (next.erase(put.key) > 0) {
        changed = true;
      }
    }
    if (!changed) return true;
    states_.push_back(std::move(next));
    for (const Put& put : puts) {
      if (put.value) {
        mod_[put.key] = revision();
      } else {
        mod_.erase(put.key);
      }
    }
    return true;
  }

 private:
  std::vector<State> states_{State{}};
  std::map<std::string, Revision> mod_;
};

// What a watcher believes, from a list and the events after it.
struct Follower {
  std::unique_ptr<Watch> watch;
  Model::State believed;
  Revision at = 0;
};

class Run {
 public:
  Run(StoreKind kind, std::uint64_t seed) : store_(kind), random_(seed) {}

  void steps(int count) {
    for (int i = 0; i < count; ++i) step();
    check_followers();
    check_everything();
  }

 private:
  std::string key() { return std::string("k") + static_cast<char>('a' + random_.below(8)); }

  void step() {
    const std::uint64_t what = random_.below(100);
    if (what < 60) return write();
    if (what < 75) return read();
    if (what < 85) return follow();
    if (what < 93) return check_followers();
    if (what < 97) return compact_some();
    if (store_.durable()) reopen();
  }

  void write() {
    std::map<std::string, Put> puts;
    const std::uint64_t count = 1 + random_.below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
      Put one;
      one.key = key();
      if (random_.chance(0.7)) one.value = std::to_string(random_.below(1'000));
      if (random_.chance(0.5)) {
        one.expected = random_.chance(0.8) ? model_.mod_revision(one.key)
                                           : static_cast<Revision>(random_.below(50));
      }
      puts[one.key] = one;
    }
    std::vector<Put> batch;
    for (auto& [name, one] : puts) batch.push_back(one);
    const auto result = store_->commit(batch);
    const bool accepted = model_.apply(batch);
    REQUIRE(result.has_value() == accepted);
    if (accepted) {
      REQUIRE(*result == model_.revision());
    } else {
      REQUIRE(result.error().reason == Reason::Conflict);
    }
  }

  void read() {
    const Revision revision =
        compacted_ + static_cast<Revision>(random_.below(
                         static_cast<std::uint64_t>(model_.revision() - compacted_ + 1)));
    if (revision == 0) return;
    const auto page = store_->list("", "", 0, {revision});
    REQUIRE(page.has_value());
    Model::State seen;
    for (const Entry& entry : page->entries) seen[entry.key] = entry.value;
    REQUIRE(seen == model_.at(revision));
    const std::string one = key();
    const auto entry = store_->get(one, {revision}).value();
    REQUIRE(entry.has_value() == (seen.count(one) > 0));
  }

  void follow() {
    if (followers_.size() >= 4) followers_.pop_front();
    Follower follower;
    const Revision from =
        compacted_ + static_cast<Revision>(random_.below(
                         static_cast<std::uint64_t>(model_.revision() - compacted_ + 1)));
    follower.believed = model_.at(from);
    follower.at = from;
    follower.watch = store_->watch("", "", from, [] {}).value();
    followers_.push_back(std::move(follower));
  }

  // Replayed events give the model's state; revisions rise without a gap in the state.
  void check_followers() {
    for (auto follower = followers_.begin(); follower != followers_.end();) {
      if (drain(*follower)) {
        REQUIRE(follower->believed == model_.at(model_.revision()));
        ++follower;
      } else {
        follower = followers_.erase(follower);
      }
    }
  }

  bool drain(Follower& follower) {
    while (true) {
      const auto events = follower.watch->next(1 + random_.below(5));
      if (!events) {
        REQUIRE(events.error().reason == Reason::Expired);
        REQUIRE(follower.at < compacted_);
        return false;
      }
      if (events->empty()) return true;
      for (const EventPtr& event : *events) {
        REQUIRE(event->revision >= follower.at);
        follower.at = event->revision;
        const auto before = follower.believed.find(event->key);
        REQUIRE((event->previous != nullptr) == (before != follower.believed.end()));
        if (event->previous) REQUIRE(*event->previous == before->second);
        if (event->value) {
          follower.believed[event->key] = *event->value;
        } else {
          follower.believed.erase(event->key);
        }
      }
    }
  }

  void compact_some() {
    if (model_.revision() <= compacted_) return;
    compacted_ += static_cast<Revision>(
        random_.below(static_cast<std::uint64_t>(model_.revision() - compacted_) + 1));
    if (compacted_ == 0) return;
    compact(*store_, compacted_);
    REQUIRE(store_->compacted_revision() == compacted_);
    if (compacted_ > 1) {
      REQUIRE(store_->list("", "", 0, {compacted_ - 1}).error().reason == Reason::Expired);
    }
  }

  void reopen() {
    followers_.clear();
    store_.reopen();
    check_everything();
  }

  void check_everything() {
    REQUIRE(store_->revision() == model_.revision());
    for (Revision revision = std::max<Revision>(compacted_, 1); revision <= model_.revision();
         revision += 1 + static_cast<Revision>(random_.below(20))) {
      Model::State seen;
      const auto page = store_->list("", "", 0, {revision});
      REQUIRE(page.has_value());
      for (const Entry& entry : page->entries) seen[entry.key] = entry.value;
      REQUIRE(seen == model_.at(revision));
    }
  }

  StoreUnderTest store_;
  SeededRandom random_;
  Model model_;
  Revision compacted_ = 0;
  std::deque<Follower> followers_;
};

}  // namespace

TEST_CASE("random histories read the same from the store and from a model", "[store][model]") {
  const StoreKind kind = GENERATE(from_range(kStoreKinds));
  const std::uint64_t seed = GENERATE(1, 2, 3, 4);
  INFO("seed " << seed);
  Run(kind, seed).steps(testing::effort("TIDELOCK_STORE_STEPS", 1'500));
}

}  // namespace tidelock::store
