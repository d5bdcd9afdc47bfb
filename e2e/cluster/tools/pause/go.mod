module hooked.dev/e2e/cluster/tools/pause

go 1.26
