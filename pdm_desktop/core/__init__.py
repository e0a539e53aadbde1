"""The engine: everything the program does, without Qt and without a screen."""

import os

# XGBoost's threads wait for each other by spinning unless told otherwise before its library is loaded: on a computer
# that does anything else at the same time training then takes ten times as long, and everything else crawls.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
