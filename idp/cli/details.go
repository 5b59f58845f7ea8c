package cli

import (
	"github.com/spf13/cobra"

	"tegata/idp/accounts"
)

// detailFlags sets what a person may tell and nobody has to (OIDC Core §5.1).
func detailFlags(cmd *cobra.Command, d *accounts.Details) {
	for _, f := range []struct {
		into        *string
		name, about string
	}{
		{&d.MiddleName, "middle-name", "middle name"},
		{&d.PreferredUsername, "preferred-username", "what the person likes to be known by"},
		{&d.Profile, "profile", "URL of a page about the person"},
		{&d.Picture, "picture", "URL of a picture"},
		{&d.Website, "website", "URL of the person's site"},
		{&d.Gender, "gender", "gender"},
		{&d.Birthdate, "birthdate", "YYYY-MM-DD, YYYY, or 0000-MM-DD"},
		{&d.Zone, "zoneinfo", "time zone such as Asia/Tokyo"},
		{&d.PhoneNumber, "phone-number", "with its country, such as +81 3 1234 5678"},
		{&d.Address.StreetAddress, "street-address", "street and number"},
		{&d.Address.Locality, "locality", "town"},
		{&d.Address.Region, "region", "prefecture, state"},
		{&d.Address.PostalCode, "postal-code", "postal code"},
		{&d.Address.Country, "address-country", "country of the address"},
	} {
		cmd.Flags().StringVar(f.into, f.name, "", f.about)
	}
	cmd.Flags().BoolVar(&d.PhoneVerified, "phone-number-verified", false, "you vouch for the number")
}
