// Package plugintest is the conformance suite that every provider passes in one
// call.
package plugintest
