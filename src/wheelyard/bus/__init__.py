"""What carries messages between coordinator and builders: in this process, or by NATS JetStream."""
