// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/member_tree.h"

namespace tidelock::planner {

MemberTree::Sum MemberTree::sum_of(std::string_view name, std::string_view wave, std::string_view digest) {
  std::string text;
  for (const auto part : {name, wave, digest}) {
    text += part;
    text += '\0';  // in none of them
  }
  return sha256(text);
}

bool MemberTree::above(const Node& a, const Node& b) const {
  return a.member.sum != b.member.sum ? a.member.sum > b.member.sum : *a.member.name < *b.member.name;
}

void MemberTree::refresh(Link at) {
  Node& node = nodes_[at];
  std::string text;
  const auto add = [&](const Sum& sum) { text.append(sum.begin(), sum.end()); };
  add(node.left == kNone ? Sum{} : nodes_[node.left].all);
  add(node.member.sum);
  add(node.right == kNone ? Sum{} : nodes_[node.right].all);
  node.all = sha256(text);
}

void MemberTree::refresh_all(Link at) {
  if (at == kNone) return;
  refresh_all(nodes_[at].left);
  refresh_all(nodes_[at].right);
  refresh(at);
}

// The rightmost branch grows by one member after the other.
void MemberTree::build(const std::vector<Member>& members) {
  nodes_.clear();
  free_.clear();
  root_ = kNone;
  nodes_.reserve(members.size());
  std::vector<Link> branch;
  for (const auto& member : members) {
    const auto added = static_cast<Link>(nodes_.size());
    nodes_.push_back({member, {}, kNone, kNone});
    while (!branch.empty() && above(nodes_[added], nodes_[branch.back()])) {
      nodes_[added].left = branch.back();
      branch.pop_back();
    }
    if (!branch.empty()) nodes_[branch.back()].right = added;
    branch.push_back(added);
  }
  if (!branch.empty()) root_ = branch.front();
  refresh_all(root_);
}

void MemberTree::put(const Member& member) {
  remove(*member.name);
  Link added = static_cast<Link>(nodes_.size());
  if (free_.empty()) {
    nodes_.emplace_back();
  } else {
    added = free_.back();
    free_.pop_back();
  }
  nodes_[added] = {member, {}, kNone, kNone};
  root_ = with(root_, added);
}

void MemberTree::remove(const std::string& name) { root_ = without(root_, name); }

MemberTree::Link MemberTree::with(Link at, Link added) {
  if (at == kNone || above(nodes_[added], nodes_[at])) {
    Link left = kNone, right = kNone;
    split(at, *nodes_[added].member.name, left, right);
    nodes_[added].left = left;
    nodes_[added].right = right;
    at = added;
  } else if (*nodes_[added].member.name < *nodes_[at].member.name) {
    const Link below = with(nodes_[at].left, added);
    nodes_[at].left = below;
  } else {
    const Link below = with(nodes_[at].right, added);
    nodes_[at].right = below;
  }
  refresh(at);
  return at;
}

MemberTree::Link MemberTree::without(Link at, const std::string& name) {
  if (at == kNone) return at;
  Node& node = nodes_[at];
  if (*node.member.name == name) {
    free_.push_back(at);
    return joined(node.left, node.right);
  }
  Link& side = name < *node.member.name ? node.left : node.right;
  const Link below = without(side, name);
  side = below;
  refresh(at);
  return at;
}

// Into what is before `name` and what is after.
void MemberTree::split(Link at, const std::string& name, Link& left, Link& right) {
  if (at == kNone) {
    left = right = kNone;
    return;
  }
  Node& node = nodes_[at];
  if (*node.member.name < name) {
    left = at;
    split(node.right, name, node.right, right);
  } else {
    right = at;
    split(node.left, name, left, node.left);
  }
  refresh(at);
}

// All of `left` is before all of `right`.
MemberTree::Link MemberTree::joined(Link left, Link right) {
  if (left == kNone) return right;
  if (right == kNone) return left;
  if (above(nodes_[left], nodes_[right])) {
    const Link below = joined(nodes_[left].right, right);
    nodes_[left].right = below;
    refresh(left);
    return left;
  }
  const Link below = joined(left, nodes_[right].left);
  nodes_[right].left = below;
  refresh(right);
  return right;
}

}  // namespace tidelock::planner
