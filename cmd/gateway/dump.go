package main

import (
	"github.com/spf13/cobra"
)

// optionState is one row of the dump: where an option comes from and what it
// is now.
type optionState struct {
	Flag        string   `json:"flag,omitempty"`
	Environment string   `json:"environment,omitempty"`
	Value       string   `json:"value"`
	Source      string   `json:"source"` // default, environment or flag
	Commands    []string `json:"commands"`
	Help        string   `json:"help"`
}

func (g *gateway) optionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "options",
		Short: "List every option, its environment name and its value now",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return g.showOptions(cmd) },
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = g.showOptions(cmd) })
	return cmd
}

func (g *gateway) showOptions(cmd *cobra.Command) error {
	states, err := g.dump(cmd)
	if err != nil {
		return err
	}
	return g.show(states, func() {
		var rows [][]string
		for _, s := range states {
			rows = append(rows, []string{s.Flag, s.Environment, s.Value, s.Help})
		}
		g.list("", "FLAG ENVIRONMENT VALUE MEANING", rows)
	})
}

// dump tells the value of every option as cmd was called, whatever command
// takes it. Of secrets it tells only that they are set.
func (g *gateway) dump(cmd *cobra.Command) ([]optionState, error) {
	var states []optionState
	for _, row := range g.table() {
		state := optionState{Flag: row.flag(), Environment: row.env, Source: "default", Commands: row.on, Help: row.help}
		switch {
		case row.changed(cmd):
			state.Source = "flag"
		case row.env != "" && g.env(row.env) != "":
			state.Source = "environment"
			if err := newValue(row).Set(g.env(row.env)); err != nil {
				return nil, usagef("%s: %w", row.env, err)
			}
		}
		state.Value = newValue(row).String()
		if row.quiet && state.Value != "" {
			state.Value = "[redacted]"
		}
		states = append(states, state)
	}
	return states, nil
}

// flag is how the option is written on the command line; empty when it has no
// flag.
func (o optionRow) flag() string {
	long, short := o.names()
	switch {
	case long == "":
		return ""
	case short == "":
		return "--" + long
	}
	return "--" + long + ", -" + short
}
