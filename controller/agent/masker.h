// SPDX-License-Identifier: Apache-2.0
// Hides sensitive values in text: each becomes "***", also base64- or URL-encoded and also when it
// is split over several writes. Aho-Corasick: linear in the text, whatever the number of values.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidelock::agent {

// Immutable once made; shared by the streams of a task.
class Masker {
 public:
  explicit Masker(const std::vector<std::string>& secrets);
  bool empty() const { return nodes_.size() == 1; }
  std::string mask(std::string_view text) const;  // a whole text

  // Masks a text that comes in pieces. Holds back only what may be the beginning of a secret.
  class Stream {
   public:
    explicit Stream(std::shared_ptr<const Masker> masker) : masker_(std::move(masker)) {}
    std::string write(std::string_view bytes);
    std::string finish();

   private:
    void emit(std::size_t count, std::string& out);
    std::shared_ptr<const Masker> masker_;
    int state_ = 0;
    std::string held_;
    std::string secret_;  // per held byte: 1 = part of a secret
    bool after_mask_ = false;
  };

 private:
  struct Node {
    int child = 0;    // the first one; 0 = none, since nothing leads back to the root
    int sibling = 0;  // the next child of the same parent
    int fail = 0;
    int depth = 0;
    int match = 0;  // length of the longest secret that ends here
    unsigned char byte = 0;
  };
  const Node& node(int state) const { return nodes_[static_cast<std::size_t>(state)]; }
  int child(int state, unsigned char byte) const;
  int step(int state, unsigned char byte) const;
  void add(std::string_view pattern);
  void build();
  std::vector<Node> nodes_;
  std::array<int, 256> first_{};  // the root's children, which are asked for most
};

}  // namespace tidelock::agent
