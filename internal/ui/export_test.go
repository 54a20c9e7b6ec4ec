package ui

// ContentPolicy is the content security policy of every page.
const ContentPolicy = contentPolicy
