"""The site: pages for people, each with its JSON twin under the same address."""
