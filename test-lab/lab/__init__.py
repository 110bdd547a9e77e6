# SPDX-License-Identifier: Apache-2.0
"""Real initiators and virtual machines against a server: what the scenarios are made of. See ../scenarios."""
