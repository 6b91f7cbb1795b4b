// SPDX-License-Identifier: Apache-2.0
#include "controller/main/remote.h"
