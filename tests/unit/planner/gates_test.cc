// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/gates.h"

#include <catch2/catch.hpp>
#include <deque>

#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

using api::ApprovalDecision;

struct Book {
  api::GateSpec gate{"go", 1, std::nullopt};
  std::deque<api::Approval> words;

  void say(const std::string& who, ApprovalDecision decision, double at,
           const std::string& hash = "h", const std::string& name_of_gate = "go") {
    api::Approval word;
    word.metadata.name = "a" + std::to_string(words.size());
    word.metadata.creation_timestamp = at_second(at);
    word.spec.gate = name_of_gate;
    word.spec.plan_hash = hash;
    word.spec.approver = who;
    word.spec.decision = decision;
    words.push_back(word);
  }
  planner::GateState at(double second) const {
    std::vector<const api::Approval*> all;
    for (const auto& word : words) all.push_back(&word);
    return planner::gate_state(gate, all, "h", at_second(second));
  }
};

TEST_CASE("a gate opens with as many distinct people as it asks for", "[planner][gates]") {
  Book book;
  book.gate.required = 2;
  book.say("ann", ApprovalDecision::Approve, 1);
  book.say("ann", ApprovalDecision::Approve, 2);
  book.say("bob", ApprovalDecision::Approve, 3, "h", "other gate");
  CHECK_FALSE(book.at(5).open);
  CHECK(book.at(5).given() == 1);
  book.say("bob", ApprovalDecision::Approve, 4);
  CHECK(book.at(5).open);
  CHECK(book.at(5).approved_by == std::set<std::string>{"ann", "bob"});
}

TEST_CASE("one rejection shuts a gate until the same person approves", "[planner][gates]") {
  Book book;
  book.say("ann", ApprovalDecision::Approve, 1);
  book.say("bob", ApprovalDecision::Reject, 2);
  CHECK_FALSE(book.at(5).open);
  CHECK(book.at(5).rejected_by == "bob");
  book.say("bob", ApprovalDecision::Approve, 3);
  CHECK(book.at(5).open);
}

TEST_CASE("an approval of another plan is stale and opens nothing", "[planner][gates]") {
  Book book;
  book.say("ann", ApprovalDecision::Approve, 1, "another");
  CHECK_FALSE(book.at(5).open);
  CHECK(book.at(5).stale);
  book.say("ann", ApprovalDecision::Approve, 2);
  CHECK(book.at(5).open);
}

TEST_CASE("an approval ends at its time and not before", "[planner][gates]") {
  Book book;
  book.gate.expires_after = std::chrono::seconds(10);
  book.say("ann", ApprovalDecision::Approve, 1);
  CHECK(book.at(10.9).open);
  CHECK(book.at(10.9).changes_at == at_second(11));
  CHECK_FALSE(book.at(11).open);
  CHECK(book.at(11).changes_at == kNever);
}

}  // namespace
}  // namespace tidelock::testing
