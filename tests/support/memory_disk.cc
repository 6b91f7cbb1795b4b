// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_disk.h"

#include <deque>

namespace tidelock::testing {

struct MemoryDisk::Node {
  FileType type = FileType::Regular;
  std::string bytes;  // content, or the target of a link
  std::string durable_bytes;
  std::map<std::string, NodePtr> entries;
  std::map<std::string, NodePtr> durable_entries;

  void sync() {
    durable_bytes = bytes;
    durable_entries = entries;
  }
  void sync_all() {
    sync();
    for (const auto& [name, node] : entries) node->sync_all();
  }
  void lose_unsynced() {
    bytes = durable_bytes;
    entries = durable_entries;
    for (const auto& [name, node] : entries) node->lose_unsynced();
  }
  std::uint64_t size() const {
    std::uint64_t total = type == FileType::Regular ? bytes.size() : 0;
    for (const auto& [name, node] : entries) total += node->size();
    return total;
  }
};

namespace {

constexpr int kLinksMax = 40;  // as Linux

std::deque<std::string> split(std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

auto missing(const std::string& path) {
  return fail(Reason::NotFound, path + ": No such file or directory");
}
auto invalid(const std::string& path, const char* text) {
  return fail(Reason::Invalid, path + ": " + text);
}

}  // namespace

MemoryDisk::MemoryDisk() : root_(std::make_shared<Node>()) { root_->type = FileType::Directory; }
MemoryDisk::~MemoryDisk() = default;

void MemoryDisk::set_quota(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  quota_ = bytes;
}

std::uint64_t MemoryDisk::bytes_used() const {
  const std::lock_guard lock(mutex_);
  return root_->size();
}

void MemoryDisk::fail_at(std::uint64_t n, Fault fault, bool persistent) {
  const std::lock_guard lock(mutex_);
  fail_from_ = operations_ + n;
  fault_ = fault;
  persistent_ = persistent;
}

void MemoryDisk::heal() {
  const std::lock_guard lock(mutex_);
  fail_from_ = UINT64_MAX;
}

std::uint64_t MemoryDisk::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

void MemoryDisk::crash() {
  const std::lock_guard lock(mutex_);
  root_->lose_unsynced();
  fail_from_ = UINT64_MAX;
}

void MemoryDisk::write_unsynced(const std::string& path, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  std::deque<std::string> parts = split(path);
  NodePtr node = root_;
  while (!parts.empty()) {
    NodePtr& child = node->entries[parts.front()];
    if (child == nullptr) {
      child = std::make_shared<Node>();
      child->type = parts.size() > 1 ? FileType::Directory : FileType::Regular;
    }
    node = child;
    parts.pop_front();
  }
  node->bytes = std::string(bytes);
}

std::optional<MemoryDisk::Fault> MemoryDisk::begin() {
  ++operations_;
  const bool fails = persistent_ ? operations_ >= fail_from_ : operations_ == fail_from_;
  return fails ? std::optional(fault_) : std::nullopt;
}

Error MemoryDisk::fault_error(Fault fault, const std::string& path) {
  if (fault == Fault::DiskFull) {
    return make_error(Reason::ServiceUnavailable, path + ": No space left on device");
  }
  return make_error(Reason::InternalError, path + ": Input/output error");
}

Result<MemoryDisk::Place> MemoryDisk::find(const std::string& path, bool follow_last) const {
  std::vector<NodePtr> folders{root_};
  std::deque<std::string> parts = split(path);
  int links = 0;
  if (parts.empty()) return Place{root_, "", root_};
  while (true) {
    const std::string name = parts.front();
    parts.pop_front();
    if (name == "..") {
      if (folders.size() > 1) folders.pop_back();
      if (parts.empty()) return Place{folders.back(), "", folders.back()};
      continue;
    }
    const auto found = folders.back()->entries.find(name);
    const NodePtr node = found == folders.back()->entries.end() ? nullptr : found->second;
    if (node != nullptr && node->type == FileType::Symlink && (!parts.empty() || follow_last)) {
      if (++links > kLinksMax) return invalid(path, "Too many levels of symbolic links");
      const std::deque<std::string> target = split(node->bytes);
      parts.insert(parts.begin(), target.begin(), target.end());
      if (node->bytes.starts_with("/")) folders.resize(1);
      if (parts.empty()) return Place{folders.back(), "", folders.back()};
      continue;
    }
    if (parts.empty()) return Place{folders.back(), name, node};
    if (node == nullptr) return missing(path);
    if (node->type != FileType::Directory) return invalid(path, "Not a directory");
    folders.push_back(node);
  }
}

Result<MemoryDisk::NodePtr> MemoryDisk::find_existing(const std::string& path,
                                                      bool follow_last) const {
  auto place = find(path, follow_last);
  if (!place) return fail(place.error());
  if (place->node == nullptr) return missing(path);
  return place->node;
}

Result<void> MemoryDisk::check_space(std::uint64_t freed, std::uint64_t taken,
                                     const std::string& path) const {
  if (taken <= freed || root_->size() - freed + taken <= quota_) return {};
  return fail(fault_error(Fault::DiskFull, path));
}

Result<std::string> MemoryDisk::read_file(const std::string& path, std::size_t bytes_max) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto node = find_existing(path, true);
  if (!node) return fail(node.error());
  if ((*node)->type != FileType::Regular) return invalid(path, "not a regular file");
  if ((*node)->bytes.size() > bytes_max) {
    return fail(Reason::RequestEntityTooLarge,
                path + ": more than " + std::to_string(bytes_max) + " bytes");
  }
  return (*node)->bytes;
}

Result<void> MemoryDisk::put_file(const Place& place, const std::string& path,
                                  std::string_view bytes) {
  const std::uint64_t freed = place.node == nullptr ? 0 : place.node->size();
  if (auto room = check_space(freed, bytes.size(), path); !room) return room;
  auto node = std::make_shared<Node>();
  node->bytes = std::string(bytes);
  node->sync();
  place.folder->entries[place.name] = std::move(node);
  place.folder->sync();
  return {};
}

Result<void> MemoryDisk::write_file(const std::string& path, std::string_view bytes, int) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto place = find(path, false);
  if (!place) return fail(place.error());
  if (place->node != nullptr && place->node->type == FileType::Directory) {
    return invalid(path, "Is a directory");
  }
  return put_file(*place, path, bytes);
}

Result<void> MemoryDisk::append_file(const std::string& path, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const auto fault = begin();
  if (fault && *fault != Fault::Torn) return fail(fault_error(*fault, path));
  auto place = find(path, true);
  if (!place) return fail(place.error());
  if (place->node != nullptr && place->node->type != FileType::Regular) {
    return invalid(path, "Is a directory");
  }
  if (fault) bytes = bytes.substr(0, bytes.size() / 2);
  if (auto room = check_space(0, bytes.size(), path); !room) return room;
  if (place->node == nullptr) {
    if (auto put = put_file(*place, path, bytes); !put) return put;
  } else {
    place->node->bytes += bytes;
    place->node->sync();
  }
  if (fault) return fail(fault_error(*fault, path));
  return {};
}

Result<void> MemoryDisk::truncate_file(const std::string& path, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto node = find_existing(path, true);
  if (!node) return fail(node.error());
  if ((*node)->type != FileType::Regular) return invalid(path, "Is a directory");
  if (auto room = check_space((*node)->bytes.size(), size, path); !room) return room;
  (*node)->bytes.resize(size);
  (*node)->sync();
  return {};
}

Result<void> MemoryDisk::make_folders(const std::string& path, bool durable) {
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  std::string part;
  for (const std::string& name : split(path)) {
    part += "/" + name;
    auto place = find(part, true);
    if (!place) return fail(place.error());
    if (place->node != nullptr && place->node->type == FileType::Directory) continue;
    if (place->node != nullptr) return invalid(path, "Not a directory");
    auto folder = std::make_shared<Node>();
    folder->type = FileType::Directory;
    place->folder->entries[place->name] = std::move(folder);
    if (durable) place->folder->sync();
  }
  return {};
}

Result<void> MemoryDisk::make_directories(const std::string& path, int) {
  const std::lock_guard lock(mutex_);
  return make_folders(path, true);
}

Result<void> MemoryDisk::make_scratch_directories(const std::string& path, int) {
  const std::lock_guard lock(mutex_);
  return make_folders(path, false);
}

Result<void> MemoryDisk::write_scratch_file(const std::string& path, std::string_view bytes, int) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto place = find(path, false);
  if (!place) return fail(place.error());
  if (place->node != nullptr && place->node->type != FileType::Regular) {
    return invalid(path, "Is a directory");
  }
  const std::uint64_t freed = place->node == nullptr ? 0 : place->node->size();
  if (auto room = check_space(freed, bytes.size(), path); !room) return room;
  if (place->node == nullptr) {
    place->node = std::make_shared<Node>();
    place->folder->entries[place->name] = place->node;
  }
  place->node->bytes = std::string(bytes);
  return {};
}

Result<void> MemoryDisk::remove_all(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto place = find(path, false);
  if (!place) {
    if (place.error().reason == Reason::NotFound) return {};
    return fail(place.error());
  }
  place->folder->entries.erase(place->name);
  return {};
}

Result<void> MemoryDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, from));
  auto source = find(from, false);
  if (!source) return fail(source.error());
  if (source->node == nullptr) return missing(from);
  auto target = find(to, false);
  if (!target) return fail(target.error());
  if (target->node == source->node) return {};
  if (target->node != nullptr) {
    const bool folder = source->node->type == FileType::Directory;
    if (folder != (target->node->type == FileType::Directory)) {
      return invalid(to, folder ? "Not a directory" : "Is a directory");
    }
    if (!target->node->entries.empty()) return fail(Reason::Conflict, to + ": Directory not empty");
  }
  if (split(to).size() > split(from).size() && (to + "/").starts_with(from + "/")) {
    return invalid(to, "Invalid argument");  // into itself
  }
  source->folder->entries.erase(source->name);
  target->folder->entries[target->name] = source->node;
  target->folder->sync();
  source->folder->sync();
  return {};
}

Result<void> MemoryDisk::replace_symlink(const std::string& link, const std::string& target) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, link));
  auto place = find(link, false);
  if (!place) return fail(place.error());
  if (place->node != nullptr && place->node->type == FileType::Directory) {
    return invalid(link, "Is a directory");
  }
  auto node = std::make_shared<Node>();
  node->type = FileType::Symlink;
  node->bytes = target;
  node->sync();
  place->folder->entries[place->name] = std::move(node);
  place->folder->sync();
  return {};
}

Result<std::string> MemoryDisk::read_symlink(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto node = find_existing(path, false);
  if (!node) return fail(node.error());
  if ((*node)->type != FileType::Symlink) return invalid(path, "Invalid argument");
  return (*node)->bytes;
}

Result<FileInfo> MemoryDisk::stat(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto node = find_existing(path, false);
  if (!node) return fail(node.error());
  const bool regular = (*node)->type == FileType::Regular;
  return FileInfo{(*node)->type, regular ? (*node)->bytes.size() : 0};
}

Result<std::vector<DirectoryEntry>> MemoryDisk::list(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto node = find_existing(path, true);
  if (!node) return fail(node.error());
  if ((*node)->type != FileType::Directory) return invalid(path, "Not a directory");
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, child] : (*node)->entries) entries.push_back({name, child->type});
  return entries;
}

Result<void> MemoryDisk::sync_tree(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = begin()) return fail(fault_error(*fault, path));
  auto node = find_existing(path, true);
  if (!node) return fail(node.error());
  (*node)->sync_all();
  return {};
}

}  // namespace tidelock::testing
