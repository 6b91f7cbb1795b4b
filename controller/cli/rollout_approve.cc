// SPDX-License-Identifier: Apache-2.0
// `tidectl rollout approve | reject`: a person's word on a gate, bound to the plan as it is now.
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/gate_list.h"
#include "controller/cli/json.h"
#include "controller/cli/rollout_name.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kRolloutInNameMax = 150;  // leaves room for gate and suffix in 253

class Word {
 public:
  Word(Session& session, const RolloutApproveOptions& options, api::ApprovalDecision decision,
       api::Rollout rollout)
      : session_(session), options_(options), decision_(decision), rollout_(std::move(rollout)) {}

  Result<int> say() {
    auto approvals = approvals_of(session_, session_.ns(), rollout_.metadata.name);
    if (!approvals) return fail(approvals.error());
    approvals_ = std::move(*approvals);
    if (auto hash = find_hash(); !hash) return fail(hash.error());
    if (auto gate = find_gate(); !gate) return fail(gate.error());
    auto trial = create(true);
    if (!trial) return fail(trial.error());
    if (auto open = must_be_undecided(text_at(member(*trial, "spec"), "approver")); !open) {
      return fail(open.error());
    }
    auto made = create(false);
    if (!made) return fail(made.error());
    report(*made);
    return 0;
  }

 private:
  bool approve() const { return decision_ == api::ApprovalDecision::Approve; }
  std::string rollout_text() const {
    return "rollouts.tidelock.dev \"" + rollout_.metadata.name + "\"";
  }

  Result<void> find_hash() {
    hash_ = rollout_.status.plan_hash;
    if (hash_.empty()) {
      return usage(rollout_text() + " has no plan hash yet: the controller has not looked at it");
    }
    if (options_.plan_hash.empty() || options_.plan_hash == hash_) return {};
    return usage("PlanChanged: the plan hash of " + rollout_text() + " is " + hash_ + " now, not " +
                 options_.plan_hash + "; look at it again (describe rollout)");
  }

  Result<void> find_gate() {
    const auto gates = gates_of(rollout_, approvals_, session_.now());
    std::string names;
    for (const Gate& gate : gates) {
      if (gate.spec.approval == options_.gate) {
        gate_ = gate;
        return {};
      }
      names += (names.empty() ? "" : ", ") + gate.spec.approval + " (" +
               (gate.before ? "before " : "after ") + gate.wave + ")";
    }
    if (gates.empty()) return usage(rollout_text() + " has no gates");
    if (options_.gate.empty() && gates.size() == 1) {
      gate_ = gates.front();
      return {};
    }
    if (options_.gate.empty()) {
      return usage("which gate of " + rollout_text() + "? --gate takes one of: " + names);
    }
    return usage(rollout_text() + " has no gate \"" + options_.gate + "\"; its gates: " + names);
  }

  // The approver is the server's to say; a trial run of the create tells who that will be.
  Result<void> must_be_undecided(const std::string& me) const {
    if (approve() && gate_.state.open) {
      std::string people;
      for (const std::string& one : gate_.state.approved_by)
        people += (people.empty() ? "" : ", ") + one;
      return usage("gate " + gate_.spec.approval + " of " + rollout_text() +
                   " is approved already, by " + people);
    }
    const bool said = approve() ? gate_.state.approved_by.contains(me)
                                : !me.empty() && gate_.state.rejected_by == me;
    if (!said) return {};
    return usage("gate " + gate_.spec.approval + " of " + rollout_text() + " is " +
                 (approve() ? "approved" : "rejected") + " by " + me + " already; " + gate_.text());
  }

  json object() const {
    json spec{{"rolloutRef", {{"name", rollout_.metadata.name}}},
              {"gate", gate_.spec.approval},
              {"planHash", hash_},
              {"decision", approve() ? "Approve" : "Reject"}};
    if (!options_.reason.empty()) spec["reason"] = options_.reason;
    return {{"apiVersion", api::kApiVersion},
            {"kind", "Approval"},
            {"metadata",
             {{"generateName", rollout_.metadata.name.substr(0, kRolloutInNameMax) + "-" +
                                   gate_.spec.approval + "-"},
              {"namespace", session_.ns()}}},
            {"spec", spec}};
  }

  Result<json> create(bool trial) {
    client::Call call;
    call.verb = client::Call::Verb::Create;
    call.resource = client::resource_of<api::Approval>();
    call.ns = session_.ns();
    call.body = object().dump();
    if (trial) call.query["dryRun"] = "All";
    auto answer = session_.api().call(call);
    if (!answer) return fail(answer.error());
    return parse_answer(*answer);
  }

  void report(const json& made) {
    auto approval = api::decode<api::Approval>(made);
    if (approval) approvals_.push_back(std::move(*approval));
    std::string state;
    for (const Gate& gate : gates_of(rollout_, approvals_, session_.now())) {
      if (gate.spec.approval == gate_.spec.approval) state = gate.text();
    }
    const std::string who = text_at(member(made, "spec"), "approver");
    session_.out() << "approval.tidelock.dev/" << name_of(made) << " created: gate "
                   << gate_.spec.approval << " of " << rollout_label(rollout_.metadata.name) << " "
                   << (approve() ? "approved" : "rejected") << (who.empty() ? "" : " by " + who)
                   << " (" << state << ")\nPlan hash: " << hash_ << "\n";
  }

  Session& session_;
  const RolloutApproveOptions& options_;
  api::ApprovalDecision decision_;
  api::Rollout rollout_;
  std::vector<api::Approval> approvals_;
  std::string hash_;
  Gate gate_;
};

Result<int> decide(Session& session, const RolloutApproveOptions& options,
                   api::ApprovalDecision decision, const char* verb) {
  auto found = find_rollout(session, options.arguments, verb);
  if (!found) return fail(found.error());
  const std::string& phase = found->rollout.status.phase;
  if (is_left(found->rollout) || phase == "Succeeded") {
    return usage("rollouts.tidelock.dev \"" + found->rollout.metadata.name +
                 "\" is over: " + phase);
  }
  return Word(session, options, decision, std::move(found->rollout)).say();
}

}  // namespace

Result<int> rollout_approve(Session& session, const RolloutApproveOptions& options) {
  return decide(session, options, api::ApprovalDecision::Approve, "rollout approve");
}

Result<int> rollout_reject(Session& session, const RolloutApproveOptions& options) {
  return decide(session, options, api::ApprovalDecision::Reject, "rollout reject");
}

}  // namespace tidelock::cli
