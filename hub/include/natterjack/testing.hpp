// What tests of hubs are written with: `natterjack::testing::world`.
#pragma once

#include "hub/testing.hpp"
