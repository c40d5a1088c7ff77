"""The agent, the policy, the guard, and what they share."""
