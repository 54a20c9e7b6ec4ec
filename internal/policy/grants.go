package policy

// AllowsModel says whether a document lets a model be named, whatever else it
// says.
func (d Document) AllowsModel(model string) bool {
	return judgeModel(d, Request{Resource: d.Resource, Model: model}).denied == nil
}

// AllowsAction says whether a document lets an action be done, whatever else it
// says.
func (d Document) AllowsAction(action string) bool {
	return judgeAction(d, Request{Resource: d.Resource, Action: action}).denied == nil
}
