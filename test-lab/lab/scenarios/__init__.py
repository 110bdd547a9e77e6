# SPDX-License-Identifier: Apache-2.0
"""A file for each scenario. Its docstring's first line is its help; QUICK: continuous integration runs it; LIMIT: seconds."""
