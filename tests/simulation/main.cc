// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/campaign.h"

int main(int argc, char** argv) { return tidelock::simulation::run_campaign(argc, argv); }
