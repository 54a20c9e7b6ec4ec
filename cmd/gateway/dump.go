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
	Source      string   `json:"source"` // default or environment
	Commands    []string `json:"commands"`
	Help        string   `json:"help"`
}

func (g *gateway) optionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "options",
		Short: "List every option, its environment name and its value now",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return g.showOptions() },
	}
	cmd.SetHelpFunc(func(*cobra.Command, []string) { _ = g.showOptions() })
	return cmd
}

func (g *gateway) showOptions() error {
	states, err := g.dump()
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

// dump reads every option from the environment, whatever command takes it.
// Secrets are shown as set or not.
func (g *gateway) dump() ([]optionState, error) {
	var states []optionState
	for _, row := range g.table() {
		state := optionState{Environment: row.env, Source: "default", Commands: row.on, Help: row.help}
		if long, short := row.names(); long != "" {
			state.Flag = "--" + long
			if short != "" {
				state.Flag += ", -" + short
			}
		}
		if row.env != "" && g.env(row.env) != "" {
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
