package ui

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// Access says who may use a route.
type Access string

// Every kind of access. The zero value is none of them and lets nobody in.
const (
	Public    Access = "public"     // anybody
	SetupOnly Access = "setup only" // anybody, until the vault has been set up
	SignedIn  Access = "signed in"  // a browser with a console session
)

// Route is one row of the server's route table.
type Route struct {
	Method, Path string // Path in echo's notation
	Access       Access // what Guard is to be called with
	Handler      echo.HandlerFunc
}

// ForHead says whether path, in echo's notation, is one of the console's that
// are read: those answer HEAD as they answer GET (RFC 9110, section 9.3.2).
func (u *UI) ForHead(path string) bool {
	return slices.ContainsFunc(u.Routes(), func(r Route) bool { return r.Method == http.MethodGet && r.Path == path })
}

// Routes lists every route of the console. Each is to be mounted behind
// Guard(Access); its handler sets the headers of a page and turns errors into
// pages itself.
func (u *UI) Routes() []Route {
	const get, post = http.MethodGet, http.MethodPost
	routes := []Route{
		{get, "/setup", SetupOnly, u.showSetup},
		{post, "/setup", SetupOnly, u.setup},
		{get, "/sign-in", Public, u.showSignIn},
		{post, "/sign-in", Public, u.signIn},
		{post, "/sign-out", SignedIn, u.signOut},
		{post, "/sign-out/everywhere", SignedIn, u.signOutEverywhere},

		{get, "/", SignedIn, u.showOverview},
		{get, "/keys", SignedIn, u.showKeys},
		{post, "/keys", SignedIn, u.addKey},
		{post, "/keys/:id/test", SignedIn, u.testKey},
		{post, "/keys/:id/remove", SignedIn, u.removeKey},
		{post, "/keys/:id/drain", SignedIn, u.drainKey},
		{post, "/keys/:id/use", SignedIn, u.useKey},
		{post, "/keys/:id/arrange", SignedIn, u.arrangeKey},
		{get, "/providers", SignedIn, u.showProviders},
		{post, "/providers", SignedIn, u.saveProvider},
		{get, "/providers/new", SignedIn, u.showNewProvider},
		{post, "/providers/new", SignedIn, u.rewriteProvider},
		{post, "/providers/review", SignedIn, u.reviewProvider},
		{get, "/providers/:id", SignedIn, u.showProvider},
		{get, "/providers/:id/edit", SignedIn, u.editProvider},
		{get, "/providers/:id/manifest", SignedIn, u.exportManifest},
		{post, "/providers/:id/remove", SignedIn, u.removeProvider},
		{get, "/names", SignedIn, u.showNames},
		{post, "/names", SignedIn, u.setName},
		{post, "/names/remove", SignedIn, u.removeName},
		{get, "/pair", SignedIn, u.showPair},
		{post, "/pair", SignedIn, u.pair},
		{get, "/requests", SignedIn, u.showRequests},
		{get, "/requests/:id", SignedIn, u.showConsent},
		{post, "/requests/:id/approve", SignedIn, u.approve},
		{post, "/requests/:id/deny", SignedIn, u.deny},
		{get, "/device", SignedIn, u.showDevice},
		{get, "/apps", SignedIn, u.showApps},
		{get, "/apps/:id", SignedIn, u.showApp},
		{post, "/apps/:id/suspend", SignedIn, u.suspend},
		{post, "/apps/:id/resume", SignedIn, u.resume},
		{post, "/apps/:id/revoke", SignedIn, u.revoke},
		{post, "/sessions/:id/end", SignedIn, u.endSession},
		{get, "/usage", SignedIn, u.showUsage},
		{get, "/alerts", SignedIn, u.showAlerts},
		{post, "/alerts/dismiss", SignedIn, u.dismissAlerts},
		{post, "/alerts/:id/dismiss", SignedIn, u.dismissAlert},
		{get, "/tester", SignedIn, u.showTester},
		{post, "/tester", SignedIn, u.test},
		{get, "/activity", SignedIn, u.showActivity},

		{post, "/freeze", SignedIn, u.freeze},
		{post, "/thaw", SignedIn, u.thaw},
		{post, "/lock", SignedIn, u.lock},
		{post, "/accept-restore", SignedIn, u.acceptRestore},
		{get, "/unlock", SignedIn, u.showUnlock},
		{post, "/unlock", SignedIn, u.unlock},
	}
	for i := range routes {
		routes[i].Handler = u.asPage(routes[i].Handler)
	}
	return append(routes, Route{get, "/static/:name", Public, u.static})
}
