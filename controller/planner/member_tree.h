// SPDX-License-Identifier: Apache-2.0
// One SHA-256 of all members of a rollout that changes with any of them, and is known again after the change of
// one in O(log n).
//
// A search tree by name, heaped by the digests of the members, so that its shape depends on nothing but what is
// in it; each node has the digest of its left part, its member and its right part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/digest.h"

namespace tidelock::planner {

class MemberTree {
 public:
  using Sum = Sha256Sum;
  static Sum sum_of(std::string_view name, std::string_view wave, std::string_view digest);

  // In the order of names; a name stays where it is until it is removed.
  struct Member {
    const std::string* name = nullptr;
    Sum sum;
  };
  void build(const std::vector<Member>& members);
  void put(const Member& member);
  void remove(const std::string& name);
  // Of all; zeroes = nobody.
  Sum sum() const { return root_ == kNone ? Sum{} : nodes_[root_].all; }

 private:
  using Link = std::uint32_t;
  static constexpr Link kNone = static_cast<Link>(-1);
  struct Node {
    Member member;
    Sum all;  // of the part below and itself
    Link left = kNone, right = kNone;
  };

  bool above(const Node& a, const Node& b) const;
  void refresh(Link at);
  void split(Link at, const std::string& name, Link& left, Link& right);
  Link joined(Link left, Link right);
  Link with(Link at, Link added);
  Link without(Link at, const std::string& name);
  void refresh_all(Link at);

  std::vector<Node> nodes_;
  std::vector<Link> free_;
  Link root_ = kNone;
};

}  // namespace tidelock::planner
