"""notification-controller: tells people what happened, and lets webhooks ask for reconciles."""
