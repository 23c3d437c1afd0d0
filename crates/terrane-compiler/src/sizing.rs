//! The sizing model: from nodes, pods, and instances to addresses per zone.
