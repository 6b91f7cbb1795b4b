// SPDX-License-Identifier: Apache-2.0
#include "controller/api/selector.h"

#include <catch2/catch.hpp>

#include "controller/api/meta.h"

namespace tidelock::api {
namespace {

using Labels = std::map<std::string, std::string>;

bool selects(std::string_view query, const Labels& labels) {
  const auto parsed = LabelQuery::parse(query);
  if (!parsed) FAIL(parsed.error().message);
  return parsed->matches(labels);
}

std::string error_of(std::string_view query) {
  const auto parsed = LabelQuery::parse(query);
  if (parsed) return "";
  CHECK(parsed.error().reason == Reason::BadRequest);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("label selectors match as apimachinery's do", "[api][selector]") {
  const Labels labels = {{"a", "1"}, {"b", "x"}, {"empty", ""}};
  for (const char* query : {"", "a", "a=1", "a==1", " a = 1 , b = x ", "a!=2", "c!=1", "!c", "a in (1,2)",
                            "a in(1)", "a notin (2,3)", "c notin (1)", "a>0", "a<2", "empty=", "empty",
                            "b in (x,)", "in!=1", "a=1,b"}) {
    INFO(query);
    CHECK(selects(query, labels));
  }
  for (const char* query : {"c", "a=2", "a!=1", "!a", "a in (2)", "a notin (1)", "c in (1)", "a>1", "a<1",
                            "b>0", "c>0", "a=1,b=y", "a=", "in"}) {
    INFO(query);
    CHECK_FALSE(selects(query, labels));
  }
  CHECK(selects("example.com/a=1", {{"example.com/a", "1"}}));
}

TEST_CASE("a missing value in a set is the empty value", "[api][selector]") {
  CHECK(selects("a in (,x)", {{"a", ""}}));
  CHECK(selects("a in (x,)", {{"a", ""}}));
}

TEST_CASE("a bad label selector is refused in apimachinery's words", "[api][selector]") {
  CHECK(error_of("a=b=c") == "found '=', expected: ',' or 'end of string'");
  CHECK(error_of("a,") == "found '', expected: identifier after ','");
  CHECK(error_of("a b") ==
        "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
  CHECK(error_of("=a") == "found '=', expected: !, identifier, or 'end of string'");
  CHECK(error_of("a in b") == "unable to parse requirement: found 'b', expected: '('");
  CHECK(error_of("a in (b").find("unable to parse requirement: found ''") == 0);
  CHECK(error_of("a in ()").find("values set can't be empty") != std::string::npos);
  CHECK(error_of("a>x").find("the value must be an integer") != std::string::npos);
  CHECK(error_of("-a=b").find("key: Invalid value: \"-a\"") != std::string::npos);
  CHECK(error_of("a=-b").find("values[0][a]: Invalid value: \"-b\"") != std::string::npos);
}

TEST_CASE("field selectors split at operators and unescape values", "[api][selector]") {
  const auto parsed = parse_field_selector("metadata.name=x,spec.a!=r\\,d,spec.b==e\\=f,,c=");
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 4);
  CHECK(parsed->at(0).path == "metadata.name");
  CHECK(parsed->at(0).value == "x");
  CHECK(parsed->at(0).equal);
  CHECK(parsed->at(1).value == "r,d");
  CHECK_FALSE(parsed->at(1).equal);
  CHECK(parsed->at(2).value == "e=f");
  CHECK(parsed->at(2).equal);
  CHECK(parsed->at(3).value.empty());
  CHECK(parse_field_selector("")->empty());
}

TEST_CASE("a bad field selector is refused", "[api][selector]") {
  CHECK(parse_field_selector("abc").error().message ==
        "invalid selector: 'abc'; can't understand 'abc'");
  CHECK_FALSE(parse_field_selector("a=b=c"));
  CHECK_FALSE(parse_field_selector("a=b\\x"));
  CHECK_FALSE(parse_field_selector("a=b\\"));
}

TEST_CASE("names and labels are checked up to their lengths", "[api][selector]") {
  CHECK(check_label_key("a") == "");
  CHECK(check_label_key("example.com/a_B.c-d") == "");
  CHECK(check_label_key(std::string(63, 'a')) == "");
  CHECK(check_label_key(std::string(64, 'a')) == "name part must be no more than 63 bytes");
  CHECK(check_label_key("") == "name part must be non-empty");
  CHECK(check_label_key("/a") == "prefix part must be non-empty");
  CHECK(check_label_key("a/b/c").find("a qualified name must consist of") == 0);
  CHECK(check_label_key("Ex.com/a").find("prefix part a lowercase RFC 1123 subdomain") == 0);
  CHECK(check_label_value("") == "");
  CHECK(check_label_value(std::string(63, 'a')) == "");
  CHECK(check_label_value(std::string(64, 'a')) == "must be no more than 63 bytes");
  CHECK(check_label_value("a ") ==
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
        "'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
  CHECK(check_dns_subdomain("storefront-1.0.0") == "");
  CHECK(check_dns_subdomain(std::string(253, 'a')) == "");
  CHECK(check_dns_subdomain(std::string(254, 'a')) == "must be no more than 253 bytes");
  CHECK(check_dns_subdomain("central-config ") != "");
  CHECK(check_dns_subdomain("a..b") != "");
  CHECK(check_dns_subdomain("") != "");
  CHECK(check_dns_label(std::string(63, 'a')) == "");
  CHECK(check_dns_label(std::string(64, 'a')) != "");
  CHECK(check_dns_label("a.b") != "");
  CHECK(check_dns_label("a\n") != "");
}

TEST_CASE("a selector of a manifest matches absent labels only by negation", "[api][selector]") {
  using Operator = LabelSelectorRequirement::Operator;
  const auto with = [](Operator op, std::vector<std::string> values) {
    return LabelSelector{{}, {{"ring", op, std::move(values)}}};
  };
  const Labels canary = {{"ring", "canary"}};
  CHECK(matches(LabelSelector{}, {}));
  CHECK(matches(LabelSelector{{{"ring", "canary"}}, {}}, canary));
  CHECK_FALSE(matches(LabelSelector{{{"ring", "rest"}}, {}}, canary));
  CHECK_FALSE(matches(LabelSelector{{{"ring", ""}}, {}}, {}));
  CHECK(matches(with(Operator::In, {"canary"}), canary));
  CHECK_FALSE(matches(with(Operator::In, {"canary"}), {}));
  CHECK_FALSE(matches(with(Operator::NotIn, {"canary"}), canary));
  CHECK(matches(with(Operator::NotIn, {"canary"}), {}));
  CHECK(matches(with(Operator::Exists, {}), canary));
  CHECK_FALSE(matches(with(Operator::Exists, {}), {}));
  CHECK_FALSE(matches(with(Operator::DoesNotExist, {}), canary));
  CHECK(matches(with(Operator::DoesNotExist, {}), {}));
}

TEST_CASE("a condition keeps its time while its status stays", "[api][meta]") {
  using namespace std::chrono_literals;
  std::vector<Condition> conditions;
  const TimePoint start(1000s + 250ms);
  set_condition(conditions, {"Ready", false, false, "Waits", "", start, 1});
  REQUIRE(find_condition(conditions, "Ready") != nullptr);
  CHECK(conditions[0].last_transition_time == TimePoint(1000s));
  set_condition(conditions, {"Ready", false, false, "Waits more", "", start + 60s, 2});
  CHECK(conditions[0].last_transition_time == TimePoint(1000s));
  CHECK(conditions[0].reason == "Waits more");
  set_condition(conditions, {"Ready", true, false, "Done", "", start + 90s, 2});
  CHECK(conditions[0].last_transition_time == TimePoint(1090s));
  set_condition(conditions, {"Ready", false, true, "Lost", "", start + 95s, 2});
  set_condition(conditions, {"Ready", false, false, "Waits", "", start + 99s, 2});
  CHECK(conditions[0].last_transition_time == TimePoint(1099s));
  set_condition(conditions, {"Stalled", false, false, "", "", start, 2});
  CHECK(conditions.size() == 2);
  CHECK(find_condition(conditions, "Reconciling") == nullptr);
}

}  // namespace tidelock::api
