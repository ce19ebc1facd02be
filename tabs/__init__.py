"""One module or package per tab: layout, handlers, wiring and small pure view functions."""
