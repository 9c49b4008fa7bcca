// Everything a hub in C++ is written with.
#pragma once

#include "hub/hub_actor.hpp"
#include "hub/registration.hpp"
