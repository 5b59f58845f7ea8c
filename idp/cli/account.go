package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tegata/idp/accounts"
	"tegata/idp/app"
	"tegata/shared/fault"
	"tegata/shared/secret"
	"tegata/shared/verbs"
)

// longestPassword bounds what is read from standard input, in bytes.
const longestPassword = 4096

func (p program) account() *cobra.Command {
	group := &cobra.Command{Use: "account", Short: "List, show and create accounts; see and end what they allowed"}
	group.AddCommand(p.accountList(), p.accountShow(), p.accountCreate(), p.accountApps(), p.accountWithdraw())
	return group
}

// accountJSON is an account as --json prints it.
type accountJSON struct {
	ID          string         `json:"id"`
	Subject     string         `json:"sub"`
	Email       string         `json:"email"`
	GivenName   string         `json:"given_name"`
	FamilyName  string         `json:"family_name"`
	Nickname    string         `json:"nickname"`
	Country     string         `json:"country"`
	Language    string         `json:"language"`
	Zone        string         `json:"zone"`
	State       accounts.State `json:"state"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
	ProvedAt    *time.Time     `json:"proved_at"`
	ActivatedAt *time.Time     `json:"activated_at"`
	LastLoginAt *time.Time     `json:"last_login_at"`

	Details accounts.Details `json:"details"`
}

func toJSON(a accounts.Account) accountJSON {
	return accountJSON{a.ID, a.Subject, a.Email, a.GivenName, a.FamilyName, a.Nickname, a.Country, a.Language, a.Zone,
		a.State, a.CreatedAt, a.UpdatedAt, a.ProvedAt, a.ActivatedAt, a.LastLoginAt, a.Details}
}

func (p program) accountList() *cobra.Command {
	return verbs.List[accounts.Account]{
		Heads: []string{"EMAIL", "NAME", "COUNTRY", "STATE", "CREATED", "LAST LOG-IN", "ID"},
		Row: func(a accounts.Account) []string {
			return []string{a.Email, a.Name(), a.Country, string(a.State), verbs.Time(&a.CreatedAt), verbs.Time(a.LastLoginAt), a.ID}
		},
		JSON:   func(a accounts.Account) any { return toJSON(a) },
		Number: 50, What: "account",
		Page: verbs.From(p.Services, func(s *app.Services) verbs.Page[accounts.Account] { return s.Accounts.List }),
	}.Command(p.Out, &cobra.Command{
		Use:     "list",
		Short:   "List accounts in the order in which they were opened",
		Example: "  idp account list -n 100\n  idp account list --after ID --json    # the next page",
	})
}

func (p program) accountShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ACCOUNT",
		Short:   "Show one account, named by id, subject or e-mail address",
		Example: "  idp account show ada@example.org",
		Args:    cobra.ExactArgs(1),
		RunE: verbs.Do(func(cmd *cobra.Command, args []string) error {
			return p.onAccount(cmd, args[0], func(_ *app.Services, a accounts.Account) error { return p.showAccount(a, asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// find gives the account of that name; an address has an "@", ids and subjects do not.
func find(ctx context.Context, s *accounts.Service, name string) (accounts.Account, error) {
	if strings.Contains(name, "@") {
		a, err := s.ByEmail(ctx, name)
		if fault.Is(err, fault.Invalid) {
			err = fault.Wrap(fault.NotFound, "not_found", err)
		}
		return a, err
	}
	a, err := s.ByID(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return s.BySubject(ctx, name)
	}
	return a, err
}

func (p program) showAccount(a accounts.Account, asJSON bool) error {
	if asJSON {
		return verbs.JSON(p.Out, toJSON(a))
	}
	return verbs.Facts(p.Out,
		[2]string{"id", a.ID}, [2]string{"sub", a.Subject}, [2]string{"email", a.Email}, [2]string{"name", a.Name()},
		[2]string{"nickname", a.Nickname}, [2]string{"country", a.Country}, [2]string{"language", a.Language},
		[2]string{"zone", a.Zone}, [2]string{"state", string(a.State)}, [2]string{"created", verbs.Time(&a.CreatedAt)},
		[2]string{"proved", verbs.Time(a.ProvedAt)}, [2]string{"activated", verbs.Time(a.ActivatedAt)},
		[2]string{"last log-in", verbs.Time(a.LastLoginAt)})
}

func (p program) accountCreate() *cobra.Command {
	var (
		who    accounts.Person
		file   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Open an active account whose address you vouch for",
		Long: "Open an active account without sign-up: you vouch for the address. The password is read\n" +
			"from the first line of standard input or from a file with mode 0600, never from the\n" +
			"command line, where other people of the machine could see it.",
		Example: "  idp account create --email ada@example.org --given-name Ada --family-name Lovelace --country GB < password",
		Args:    cobra.NoArgs,
		RunE: verbs.Do(func(cmd *cobra.Command, _ []string) (err error) {
			if who.Password, err = p.password(file); err != nil {
				return err
			}
			return p.Services(cmd.Context(), func(s *app.Services) error {
				a, err := s.Accounts.Create(cmd.Context(), who)
				if fault.Is(err, fault.Conflict) {
					return fmt.Errorf("%s has an account; see: idp account show %[1]s", verbs.Plain(who.Email))
				}
				if err != nil {
					return sentences(s, err)
				}
				return p.showAccount(a, asJSON)
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&who.Email, "email", "", "e-mail address (needed)")
	flags.StringVar(&who.GivenName, "given-name", "", "given name in Roman letters (needed)")
	flags.StringVar(&who.FamilyName, "family-name", "", "family name in Roman letters (needed)")
	flags.StringVar(&who.Country, "country", "", "ISO 3166-1 code such as JP (needed)")
	flags.StringVar(&who.Language, "language", "en", "language of mails")
	detailFlags(cmd, &who.Details)
	flags.StringVar(&who.Nickname, "nickname", "", "what to call the person")
	flags.StringVar(&file, "password-file", "", "file with the password; standard input without it")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	for _, needed := range []string{"email", "given-name", "family-name", "country"} {
		if err := cmd.MarkFlagRequired(needed); err != nil {
			panic(err) // only when there is no such flag
		}
	}
	return cmd
}

func (p program) password(file string) (string, error) {
	if file != "" {
		return secret.ReadFile(file)
	}
	line, err := bufio.NewReader(io.LimitReader(p.In, longestPassword)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", verbs.Usagef("the password is missing; give it on standard input or by --password-file")
	}
	return line, nil
}

// sentences turns refusals into what a form would say.
func sentences(s *app.Services, err error) error {
	if fault.Of(err) == nil {
		return err
	}
	var lines []string
	for _, f := range fault.All(err) {
		line := f.Key
		if s.Catalog.Has(f.Key) {
			line = s.Catalog.Text("en", f.Key, f.Args)
		}
		if f.Field != "" {
			line = f.Field + ": " + line
		}
		lines = append(lines, line)
	}
	return errors.New(strings.Join(lines, "\n     "))
}
