// SPDX-License-Identifier: Apache-2.0
#include "controller/client/kubeconfig.h"

#include <catch2/catch.hpp>
#include <map>

using namespace tidelock;
using client::Kubeconfig;

namespace {

const char* kPlain = R"(
apiVersion: v1
kind: Config
current-context: here
clusters:
- name: c1
  cluster: {server: "https://127.0.0.1:6443/", certificate-authority-data: Y2E=}
users:
- name: u1
  user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}
- name: u2
  user: {token: abc}
contexts:
- name: here
  context: {cluster: c1, user: u1, namespace: shop}
- name: there
  context: {cluster: c1, user: u2}
)";

struct Files {
  std::map<std::string, std::string> files;
  client::ReadFile reader() {
    return [this](const std::string& path) -> Result<std::string> {
      auto found = files.find(path);
      if (found == files.end()) return fail(Reason::NotFound, path + ": no such file");
      return found->second;
    };
  }
  std::string error_of(const std::string& text, const std::string& context = "") {
    files["/k/config"] = text;
    auto config = Kubeconfig::load_file("/k/config", reader());
    if (!config) return config.error().message;
    auto connection = config->connection(context, reader());
    return connection ? "(none)" : connection.error().message;
  }
};

std::string with_user(const std::string& user) {
  return "clusters: [{name: c, cluster: {server: \"https://h\"}}]\n"
         "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
         "current-context: x\nusers: [{name: u, user: " + user + "}]\n";
}

}  // namespace

TEST_CASE_METHOD(Files, "a context becomes a connection", "[client][kubeconfig]") {
  files["/k/config"] = kPlain;
  auto config = Kubeconfig::load_file("/k/config", reader());
  REQUIRE(config);
  CHECK(config->current_context() == "here");
  CHECK(config->contexts() == std::vector<std::string>{"here", "there"});
  auto connection = config->connection("", reader());
  REQUIRE(connection);
  CHECK(connection->ns == "shop");
  CHECK(connection->cluster == "c1");
  CHECK(connection->user == "u1");
  CHECK(connection->options.base_url == "https://127.0.0.1:6443");
  CHECK(connection->options.ca_pem == "ca");
  CHECK(connection->options.client_certificate_pem == "cert");
  CHECK(connection->options.client_key_pem == "key");
  auto other = config->connection("there", reader());
  REQUIRE(other);
  CHECK(other->options.bearer_token == "abc");
  CHECK(other->ns == "default");
}

TEST_CASE_METHOD(Files, "paths are relative to the file that holds them", "[client][kubeconfig]") {
  files["/k/config"] = R"(
current-context: x
clusters: [{name: c, cluster: {server: "https://h", certificate-authority: pki/ca.pem}}]
users: [{name: u, user: {tokenFile: /run/token, token: stale}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
)";
  files["/k/pki/ca.pem"] = "the ca";
  files["/run/token"] = "  fresh\n";
  auto config = Kubeconfig::load_file("/k/config", reader());
  REQUIRE(config);
  auto connection = config->connection("", reader());
  REQUIRE(connection);
  CHECK(connection->options.ca_pem == "the ca");
  CHECK(connection->options.bearer_token == "fresh");
}

TEST_CASE_METHOD(Files, "of several files the first that names a thing wins",
                 "[client][kubeconfig]") {
  files["/a/1"] = "current-context: x\nusers: [{name: u, user: {token: first}}]\n";
  files["/b/2"] = R"(
current-context: other
clusters: [{name: c, cluster: {server: "https://second"}}]
users: [{name: u, user: {token: second}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
)";
  auto config = Kubeconfig::load_list("/a/1::/missing:/b/2", reader());
  REQUIRE(config);
  CHECK(config->current_context() == "x");
  auto connection = config->connection("", reader());
  REQUIRE(connection);
  CHECK(connection->options.bearer_token == "first");
  CHECK(connection->options.base_url == "https://second");
}

TEST_CASE_METHOD(Files, "an explicit file must exist, a listed one need not",
                 "[client][kubeconfig]") {
  CHECK_FALSE(Kubeconfig::load_file("/nowhere", reader()));
  auto config = Kubeconfig::load_list("/nowhere", reader());
  REQUIRE(config);
  auto connection = config->connection("", reader());
  REQUIRE_FALSE(connection);
  CHECK(connection.error().reason == Reason::NotFound);
}

TEST_CASE_METHOD(Files, "errors name the file and the field", "[client][kubeconfig]") {
  CHECK(error_of("clusters: 5") == "/k/config: clusters: must be a list");
  CHECK(error_of("clusters: [{cluster: {}}]") == "/k/config: clusters[0].name: is required");
  CHECK(error_of("kind: Pod") == "/k/config: kind: must be Config");
  CHECK(error_of("a: [") .starts_with("/k/config: "));
  CHECK(error_of(with_user("{token: [1]}")) == "/k/config: users[0].user.token: must be a string");
  CHECK(error_of(with_user("{client-certificate-data: '!'}"))
            .starts_with("/k/config: users[0].user.client-certificate-data: "));
  CHECK(error_of(with_user("{client-certificate: gone.pem}")) ==
        "/k/config: users[0].user.client-certificate: /k/gone.pem: no such file");
  CHECK(error_of(with_user("{client-key-data: a2V5}")) ==
        "/k/config: users[0].user.client-certificate: is required beside its other half");
  CHECK(error_of(kPlain, "elsewhere") == "the kubeconfig has no context \"elsewhere\"");
}

TEST_CASE_METHOD(Files, "what we cannot obey is an error of the context that needs it",
                 "[client][kubeconfig]") {
  CHECK(error_of(with_user("{exec: {command: aws}}")) ==
        "/k/config: users[0].user.exec: is not supported");
  CHECK(error_of(with_user("{username: me, password: x}")) ==
        "/k/config: users[0].user.password: is not supported");
  // Another user's exec plugin is no concern of this context.
  CHECK(error_of(with_user("{token: t}").replace(0, 0, "") +
                 "preferences: {}\nextensions: []\n") == "(none)");
}

TEST_CASE_METHOD(Files, "skipping verification and a CA exclude each other",
                 "[client][kubeconfig]") {
  const std::string text = R"(
current-context: x
clusters: [{name: c, cluster: {server: "https://h", insecure-skip-tls-verify: true, certificate-authority-data: Y2E=}}]
contexts: [{name: x, context: {cluster: c}}]
)";
  CHECK(error_of(text).find("insecure-skip-tls-verify") != std::string::npos);
}
