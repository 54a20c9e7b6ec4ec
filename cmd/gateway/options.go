package main

import (
	"slices"
	"strings"
)

// optionRow is one row of the option table: the single place that a flag, its
// environment name and its help come from.
type optionRow struct {
	name  string // of the flag, with a one-letter form after a comma; empty: environment only
	env   string // empty: flag only
	value string // placeholder in help; empty for switches
	help  string
	into  any      // pointer into settings; what it points to is the default
	on    []string // commands that take it; empty: all of them
	quiet bool     // a secret: the dump says only whether it is set
}

// table lists every option. The defaults are what s holds.
func (s *settings) table() []optionRow {
	serve, doctor := []string{"serve"}, []string{"serve", "doctor"}
	setup, renew := []string{"init", "unlock", "slot change-passphrase", "backup verify", "restore", "export"}, []string{"slot add-passphrase", "slot change-passphrase"}
	local := []string{"serve", "init", "doctor"} // what may open the data
	chosen, span := []string{"audit export"}, []string{"audit export", "usage"}
	pair, grant := []string{"pair"}, []string{"pair", "approve"}
	return []optionRow{
		{"data", "KEYWICKET_DATA", "DIR", "data directory", &s.data, nil, false},
		{"json", "", "", "print JSON", &s.json, nil, false},

		{"listen", "KEYWICKET_LISTEN", "ADDR", "address to listen on; port 0 takes a free one", &s.listen, doctor, false},
		{"public-url", "KEYWICKET_PUBLIC_URL", "URL", "the origin that apps and browsers use; https unless it is loopback (default: from --listen)", &s.publicURL, doctor, false},
		{"behind-proxy", "KEYWICKET_BEHIND_PROXY", "", "a proxy in front ends TLS and is the only one that can reach --listen", &s.behindProxy, serve, false},
		{"trusted-proxy", "KEYWICKET_TRUSTED_PROXY", "LIST", "with --behind-proxy: networks of proxies elsewhere whose X-Forwarded-For counts, such as 172.17.0.0/16; one on this machine always does", &s.trustedProxies, serve, false},
		{"unlock-file", "KEYWICKET_UNLOCK_FILE", "FILE", "unlock at start with this key file; a bare name is also looked for among systemd credentials", &s.unlockFile, doctor, false},
		{"drain", "KEYWICKET_DRAIN", "TIME", "how long a stop waits for running streams", &s.drain, serve, false},
		{"drain-time", "KEYWICKET_DRAIN_TIME", "TIME", "how long an answer is read on after its client has gone, to learn what it cost", &s.drainTime, serve, false},
		{"drain-bytes", "KEYWICKET_DRAIN_BYTES", "N", "how many bytes of it", &s.drainBytes, serve, false},
		{"epoch-file", "KEYWICKET_EPOCH_FILE", "FILE", "keep the epoch here, best on another disk: then a whole old data directory put back is noticed", &s.epochFile, local, false},
		{"backup-dir", "KEYWICKET_BACKUP_DIR", "DIR", "make one backup a day here, while the vault is unlocked", &s.backupDir, serve, false},
		{"backup-keep", "KEYWICKET_BACKUP_KEEP", "N", "how many of the daily backups are kept", &s.backupKeep, serve, false},
		{"time-zone", "KEYWICKET_TIME_ZONE", "ZONE", "zone in which days and months begin, such as Europe/Berlin (default: the machine's)", &s.timeZone, []string{"serve", "policy test"}, false},
		{"metrics-listen", "KEYWICKET_METRICS_LISTEN", "ADDR", "also serve metrics for Prometheus here, at /metrics, and nothing else; the owner's socket always does", &s.metricsListen, serve, false},
		{"metrics-token-file", "KEYWICKET_METRICS_TOKEN_FILE", "FILE", "ask for the bearer token in this file there; needed to listen off loopback", &s.metricsTokenFile, serve, false},
		{"dpop-nonce", "KEYWICKET_DPOP_NONCE", "", "make apps put a nonce that the gateway has just given out into every proof", &s.dpopNonce, serve, false},
		{"log-level", "KEYWICKET_LOG_LEVEL", "LEVEL", "debug, info, warn or error", &s.logLevel, serve, false},

		{"", "KEYWICKET_PASSPHRASE", "", "the owner's passphrase, where no terminal can ask for it", &s.passphrase, setup, true},
		{"passphrase-file", "KEYWICKET_PASSPHRASE_FILE", "FILE", "read the passphrase from the first line of a file; - is stdin", &s.passphraseFile, setup, false},
		{"", "KEYWICKET_NEW_PASSPHRASE", "", "the new passphrase, where no terminal can ask for it", &s.newPassphrase, renew, true},
		{"new-passphrase-file", "", "FILE", "read the new passphrase from the first line of a file; - is stdin", &s.newPassphraseFile, renew, false},
		{"recovery-code", "", "", "use the recovery code, from a hidden prompt or stdin, in place of the passphrase", &s.recoveryCode, []string{"unlock", "backup verify", "restore"}, false},
		{"write-key-file", "", "FILE", "also make a key file for serve --unlock-file and write it here", &s.writeKeyFile, []string{"init"}, false},

		{"label", "", "NAME", "a name of your own for it", &s.label, []string{"key add", "slot add-key-file", "slot add-passphrase", "slot add-recovery"}, false},
		{"base-url", "", "URL", "send this key's requests here instead of to the provider's own address", &s.baseURL, []string{"key add"}, false},
		{"header", "", "LIST", "headers that go with the key and choose who pays, such as OpenAI-Organization=org-1", &s.headers, []string{"key add"}, false},
		{"allow-private", "", "", "let it reach private, loopback and link-local addresses", &s.allowPrivate, []string{"key add", "provider add"}, false},
		{"rank", "", "N", "the key of the lowest rank is tried first, 0 to 99", &s.rank, []string{"key add", "key set"}, false},
		{"weight", "", "N", "its share of the requests among keys of the same rank, 1 to 100", &s.weight, []string{"key add", "key set"}, false},
		{"replace", "", "", "take the place of the provider with the same id", &s.replace, []string{"provider add"}, false},
		{"dry-run", "", "", "add nothing; show the paths that would be opened", &s.dryRun, []string{"provider add"}, false},

		{"policy", "", "FILE", "policy document, or an array of them, in JSON; - is stdin", &s.policyFile, []string{"pair", "approve", "policy test"}, false},
		{"request", "", "FILE", "described request, in JSON; - is stdin", &s.requestFile, []string{"policy test"}, false},
		{"resource", "", "LIST", "what the app may use, such as llm:openai; other flags narrow each", &s.resources, pair, false},
		{"actions", "", "LIST", "actions allowed, such as chat.completions", &s.actions, pair, false},
		{"models", "", "LIST", "models allowed, with * and ?, such as 'gpt-4o*'", &s.models, pair, false},
		{"origins", "", "LIST", "web pages the app may run on, such as https://app.example", &s.origins, pair, false},
		{"require-body-hash", "", "", "refuse proofs that are not bound to the request's body", &s.bodyHash, pair, false},
		{"deny-models", "", "LIST", "models refused even when --models allows them", &s.denyModels, pair, false},
		{"requests-per-minute", "", "N", "requests allowed in any minute", &s.perMinute, pair, false},
		{"requests-per-day", "", "N", "requests allowed in a calendar day", &s.perDay, pair, false},
		{"requests-per-month", "", "N", "requests allowed in a calendar month", &s.perMonth, pair, false},
		{"requests", "", "N", "requests allowed in all", &s.lifetime, pair, false},
		{"tokens-per-minute", "", "N", "tokens, read and written, in any minute", &s.minuteTokens, pair, false},
		{"tokens-per-day", "", "N", "tokens in a calendar day", &s.dayTokens, pair, false},
		{"tokens-per-month", "", "N", "tokens in a calendar month", &s.monthTokens, pair, false},
		{"tokens", "", "N", "tokens in all", &s.lifetimeTokens, pair, false},
		{"dollars-per-day", "", "DOLLARS", "dollars in a calendar day, such as 1.50", &s.dayDollars, pair, false},
		{"dollars-per-month", "", "DOLLARS", "dollars in a calendar month", &s.monthDollars, pair, false},
		{"dollars", "", "DOLLARS", "dollars in all", &s.lifetimeDollars, pair, false},
		{"hours", "", "TIMES", "hours of the day, in your time zone, such as 09:00-18:00", &s.hours, pair, false},
		{"days", "", "LIST", "days on which these hours begin, such as mon,tue", &s.days, pair, false},
		{"addresses", "", "LIST", "networks the app may call from, such as 203.0.113.0/24", &s.addresses, pair, false},
		{"max-input-tokens", "", "N", "longest input in tokens", &s.maxInput, pair, false},
		{"max-output-tokens", "", "N", "longest answer in tokens", &s.maxOutput, pair, false},
		{"concurrency", "", "N", "requests allowed at the same time", &s.concurrency, pair, false},
		{"key", "", "LABEL", "the one provider key to use for it, by its label", &s.pinnedKey, pair, false},
		{"expires", "", "TIME", "how long the permission lasts, such as 24h or 30d", &s.expires, grant, false},
		{"forever", "", "", "let a permission that names no end last until it is revoked", &s.forever, grant, false},
		{"approve", "", "", "grant on redemption, without asking again", &s.approve, pair, false},
		{"ttl", "", "TIME", "how long the string can be redeemed, 1m to 60m", &s.ttl, pair, false},

		{"plain", "", "", "yes, in clear", &s.plain, []string{"export"}, false},
		{"format", "", "FORMAT", "csv or jsonl", &s.format, chosen, false},
		{"since", "", "TIME", "from then on: a day, a moment, or how long ago, such as 30d", &s.since, span, false},
		{"until", "", "TIME", "up to then", &s.until, span, false},
		{"app", "", "NAME", "of one app, by id or name", &s.app, []string{"audit export", "usage", "policy test"}, false},
		{"by", "", "WHAT", "a row for each app, model, resource, day, hour or rule", &s.by, []string{"usage"}, false},
		{"csv", "", "", "print CSV", &s.csv, []string{"usage"}, false},
		{"kind", "", "KIND", "of one kind, such as request.denied, or of a group, such as request", &s.kind, chosen, false},
		{"code", "", "CODE", "with one code, such as model_not_allowed", &s.code, chosen, false},
		{"dismiss", "", "ID", "mark one alert as read", &s.dismiss, []string{"alerts"}, false},
		{"all", "", "", "mark all alerts as read", &s.allAlerts, []string{"alerts"}, false},
		{"input", "", "DOLLARS", "price of a million tokens that the model reads, such as 2.50", &s.priceInput, []string{"prices set"}, false},
		{"output", "", "DOLLARS", "price of a million tokens that it writes", &s.priceOutput, []string{"prices set"}, false},
		{"cached", "", "DOLLARS", "price of a million tokens read from the provider's cache", &s.priceCached, []string{"prices set"}, false},
		{"cache-write", "", "DOLLARS", "price of a million tokens written to it", &s.priceCacheWrite, []string{"prices set"}, false},
		{"per-request", "", "DOLLARS", "price of each request", &s.priceRequest, []string{"prices set"}, false},
		{"context", "", "N", "most tokens the model reads and writes", &s.priceContext, []string{"prices set"}, false},
		{"max-output", "", "N", "most tokens it writes", &s.priceMaxOutput, []string{"prices set"}, false},
		{"hidden", "", "", "it may write tokens that no client sees, as reasoning models do", &s.priceHidden, []string{"prices set"}, false},
		{"visible", "", "", "it shows all that it writes; for a model that the catalog does not know", &s.priceVisible, []string{"prices set"}, false},
		{"file", "", "FILE", "read the catalog from a file; - is stdin", &s.priceFile, []string{"prices refresh"}, false},
		{"url", "", "URL", "fetch the catalog from here; https", &s.priceURL, []string{"prices refresh"}, false},
		{"builtin", "", "", "go back to the catalog that the gateway carries", &s.builtin, []string{"prices refresh"}, false},
		{"follow,f", "", "", "go on printing as events happen", &s.follow, []string{"audit tail"}, false},
		{"lines,n", "", "N", "how many of the newest events", &s.lines, []string{"audit tail"}, false},
		{"once", "", "", "exit when the last step has passed", &s.once, []string{"demo"}, false},
	}
}

// flags returns the rows that are flags of the named command.
func (s *settings) flags(command string) []optionRow {
	var rows []optionRow
	for _, row := range s.table() {
		if row.name != "" && row.takenBy(command) {
			rows = append(rows, row)
		}
	}
	return rows
}

func (o optionRow) takenBy(command string) bool {
	return o.on == nil || slices.Contains(o.on, command)
}

// names returns the long and the one-letter name of the flag.
func (o optionRow) names() (long, short string) {
	long, short, _ = strings.Cut(o.name, ",")
	return long, short
}
