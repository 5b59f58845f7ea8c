// Package locale knows how people of different languages are spoken to.
//
//	Load, Catalog.Text    sentences from flat YAML files, one per language (catalog.go)
//	Catalog.Choose        which language a request gets (choose.go)
//	DateTime, Date        moments as people of a language write them (date.go)
//	Countries, IsCountry  ISO 3166-1 by their CLDR names, in reading order (country.go)
//	Check                 what a program's test runs over its catalogs (check.go)
//
// A catalog file is `ja.yaml` or `en.yaml` and looks so:
//
//	signup.title: Create an account
//	mail.sent: We sent a message to {email}.
//	time.minutes:
//	  one: "{count} minute"
//	  other: "{count} minutes"
//
// A name in braces is a placeholder. A message with forms is picked by the value
// of {count}, after the plural rules of the language (CLDR, by x/text).
package locale
