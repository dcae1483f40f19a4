"""The product against the fuzzing client of Autobahn|Testsuite: ``scripts/autobahn``."""
