package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keywicket/keywicket/internal/policy"
)

// maxDays bounds durations given in days; the longest is a hundred years.
const maxDays = 36525

// bind adds the options that the command called path takes to cmd as flags,
// and does the same for the commands below it. Options that all commands take
// are added once, at the root, whose path is empty.
func (s *settings) bind(cmd *cobra.Command, path string) {
	for _, row := range s.flags(path) {
		if row.on != nil || path == "" {
			row.addTo(cmd)
		}
	}
	s.describeEnvironment(cmd, path)
	for _, sub := range cmd.Commands() {
		s.bind(sub, strings.TrimSpace(path+" "+sub.Name()))
	}
}

// describeEnvironment adds the options that have no flag to the help of cmd.
func (s *settings) describeEnvironment(cmd *cobra.Command, path string) {
	for _, row := range s.table() {
		if row.name == "" && row.on != nil && row.takenBy(path) {
			cmd.Long = strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short)) + "\n\n" + row.env + ": " + row.help
		}
	}
}

func (o optionRow) addTo(cmd *cobra.Command) {
	set := cmd.Flags()
	if o.on == nil {
		set = cmd.PersistentFlags()
	}
	help := o.help
	if o.env != "" {
		help += " [" + o.env + "]"
	}
	long, short := o.names()
	flag := set.VarPF(newValue(o), long, short, help)
	if o.isSwitch() {
		flag.NoOptDefVal = "true"
	}
}

// readEnvironment gives each option of cmd that was not a flag on the command
// line the value of its environment variable, if that is set and not empty.
func (s *settings) readEnvironment(cmd *cobra.Command, command string, env func(string) string) error {
	for _, row := range s.table() {
		if row.env == "" || !row.takenBy(command) || row.changed(cmd) {
			continue
		}
		text := env(row.env)
		if text == "" {
			continue
		}
		if err := newValue(row).Set(text); err != nil {
			return usagef("%s: %w", row.env, err)
		}
	}
	return nil
}

func (o optionRow) changed(cmd *cobra.Command) bool {
	long, _ := o.names()
	return long != "" && cmd.Flags().Changed(long)
}

func (o optionRow) isSwitch() bool {
	_, ok := o.into.(*bool)
	return ok
}

// value is the pflag.Value of an option: it reads and prints what the option
// points to.
type value struct{ optionRow }

func newValue(o optionRow) pflag.Value { return value{o} }

// Type is the placeholder that help shows.
func (v value) Type() string {
	if v.isSwitch() {
		return "bool"
	}
	return v.optionRow.value
}

// String is the present value as it would be written on the command line;
// empty when it was not given and has no default.
func (v value) String() string {
	switch into := v.into.(type) {
	case *string:
		return *into
	case *bool:
		return strconv.FormatBool(*into)
	case *int64:
		if *into == 0 {
			return ""
		}
		return strconv.FormatInt(*into, 10)
	case *time.Duration:
		if *into == 0 {
			return ""
		}
		return formatDuration(*into)
	case *[]string:
		return strings.Join(*into, ",")
	case *policy.Dollars:
		if *into == 0 {
			return ""
		}
		return into.String()
	case *slog.Level:
		return strings.ToLower(into.String())
	}
	return ""
}

// Set reads text into the option. Lists may be given several times and hold
// several entries between commas.
func (v value) Set(text string) error {
	switch into := v.into.(type) {
	case *string:
		*into = text
	case *bool:
		on, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("say true or false")
		}
		*into = on
	case *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return errors.New("give a whole number, 1 or more")
		}
		*into = n
	case *time.Duration:
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		*into = d
	case *[]string:
		for entry := range strings.SplitSeq(text, ",") {
			if entry = strings.TrimSpace(entry); entry == "" {
				return errors.New("an entry is empty")
			}
			*into = append(*into, entry)
		}
	case *policy.Dollars:
		n, err := policy.ParseDollars(text)
		if err == nil && n == 0 {
			err = errors.New(`must be more than 0`)
		}
		if err != nil {
			return err
		}
		*into = n
	case *slog.Level:
		if into.UnmarshalText([]byte(text)) != nil {
			return errors.New("say debug, info, warn or error")
		}
	default:
		return fmt.Errorf("no value of type %T", v.into)
	}
	return nil
}

// parseDuration reads a Go duration, or a number of days such as 30d. It
// refuses what is not longer than zero or longer than a hundred years.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n < 1 || n > maxDays {
			return 0, errors.New("give a time such as 45m, 24h or 30d")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxDays*24*time.Hour {
		return 0, errors.New("give a time such as 45m, 24h or 30d")
	}
	return d, nil
}

// formatDuration prints d without the zero units that time.Duration adds.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
