// SPDX-License-Identifier: Apache-2.0
// Field lists of the process, and the digest over it.
#include <array>

#include "controller/api/codec.h"
#include "controller/api/codec_fields.h"
#include "controller/base/digest.h"

namespace tidelock::api {
namespace {

struct HttpMethod {
  const char* key;
  const char* method;
};
constexpr std::array<HttpMethod, 4> kHttpMethods{
    {{"get", "GET"}, {"post", "POST"}, {"put", "PUT"}, {"delete", "DELETE"}}};

// The method is the key that holds the URL.
void method_and_url(Reader& a, HttpStep& http) {
  int found = 0;
  for (const HttpMethod& each : kHttpMethods) {
    if (!a.has(each.key)) continue;
    http.method = each.method;
    a.field(each.key, http.url);
    if (++found == 2) a.wrong(each.key, "exactly one of get, post, put and delete must be set");
  }
}

void method_and_url(Writer& a, const HttpStep& http) {
  for (const HttpMethod& each : kHttpMethods) {
    if (http.method == each.method) a.always(each.key, http.url);
  }
}

// The mode has no default in the schema, since it is not to be given together with units.
void lock_mode(Reader& a, LockRequest& lock) { a.field("mode", lock.mode); }
void lock_mode(Writer& a, const LockRequest& lock) {
  if (!lock.units || lock.mode != LockMode::Exclusive) a.always("mode", lock.mode);
}

}  // namespace

template <class A>
void fields(A& a, Ref<A, SecretKeyReference> reference) {
  a.always("name", reference.name);
  a.always("key", reference.key);
}

template <class A>
void fields(A& a, Ref<A, Variable> variable) {
  a.always("name", variable.name);
  a.field("value", variable.value);
  a.object("valueFrom", [&](A& from) { from.field("secretKeyRef", variable.secret); });
  a.field("project", variable.project);
  a.field("environment", variable.environment);
}

template <class A>
void fields(A& a, Ref<A, LockRequest> lock) {
  a.always("group", lock.group);
  lock_mode(a, lock);
  a.field("units", lock.units);
}

template <class A>
void fields(A& a, Ref<A, PackageStep> package) {
  a.field("substitute", package.substitute);
}

template <class A>
void fields(A& a, Ref<A, ScriptStep> script) {
  a.field("shell", script.shell, "sh");
  a.always("body", script.body);
}

template <class A>
void fields(A& a, Ref<A, HttpStep> http) {
  method_and_url(a, http);
  a.field("headers", http.headers);
  a.field("body", http.body);
  a.field("expect", http.expect, 200);
}

template <class A>
void fields(A& a, Ref<A, StepRetry> retry) {
  a.field("limit", retry.limit);
  a.field("backoff", retry.backoff, StepRetry{}.backoff);
}

template <class A>
void fields(A& a, Ref<A, Step> step) {
  a.always("name", step.name);
  a.field("package", step.package);
  a.field("script", step.script);
  a.field("http", step.http);
  a.field("locks", step.locks);
  a.field("isolation", step.isolation);
  a.field("timeout", step.timeout, Step{}.timeout);
  a.field("retry", step.retry);
  a.field("start", step.start);
  a.field("when", step.when, "Success");
}

template <class A>
void fields(A& a, Ref<A, HealthCheck> check) {
  a.field("script", check.script);
  a.field("http", check.http);
  a.field("interval", check.interval, HealthCheck{}.interval);
  a.field("timeout", check.timeout, HealthCheck{}.timeout);
  a.field("failureThreshold", check.failure_threshold, HealthCheck{}.failure_threshold);
}

template <class A>
void fields(A& a, Ref<A, Process> process) {
  a.field("installDirectory", process.install_directory);
  a.field("allowSharedInstallDirectory", process.allow_shared_install_directory);
  a.field("variables", process.variables);
  a.field("steps", process.steps);
  a.field("locks", process.locks);
  a.field("healthCheck", process.health_check);
}

template <class A>
void fields(A& a, Ref<A, Package> package) {
  a.always("step", package.step);
  a.always("url", package.url);
  a.always("sha256", package.sha256);
}

template void fields<Reader>(Reader&, SecretKeyReference&);
template void fields<Writer>(Writer&, const SecretKeyReference&);
template void fields<Reader>(Reader&, Variable&);
template void fields<Writer>(Writer&, const Variable&);
template void fields<Reader>(Reader&, Package&);
template void fields<Writer>(Writer&, const Package&);
template void fields<Reader>(Reader&, Step&);
template void fields<Writer>(Writer&, const Step&);
template void fields<Reader>(Reader&, HealthCheck&);
template void fields<Writer>(Writer&, const HealthCheck&);
template void fields<Reader>(Reader&, Process&);
template void fields<Writer>(Writer&, const Process&);

nlohmann::json encode_process(const Process& process) {
  Writer writer;
  fields(writer, process);
  return writer.take();
}

std::string release_digest(const ReleaseSpec& spec, const Process& process) {
  Writer writer;
  writer.always("project", spec.project_ref.name);
  writer.always("version", spec.version);
  writer.always("packages", spec.packages);
  writer.always("process", process);
  return "sha256:" +
         sha256_hex(writer.take().dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace tidelock::api
