package db

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"
)

// assignAll puts the values of a row of SQLite where they belong.
func assignAll(dest []any, values []driver.Value) error {
	if len(dest) != len(values) {
		return fmt.Errorf("db: %d columns for %d places", len(values), len(dest))
	}
	for i, value := range values {
		if err := assign(dest[i], value); err != nil {
			return fmt.Errorf("db: column %d: %w", i+1, err)
		}
	}
	return nil
}

// assign puts one value where dest points. The types that our tables and domains use
// are spelled out; what is left is a pointer for "maybe" or a name for a simple type.
func assign(dest any, value driver.Value) error {
	switch to := dest.(type) {
	case *string:
		switch v := value.(type) {
		case string:
			*to = v
			return nil
		case []byte:
			*to = string(v)
			return nil
		}
	case *[]byte:
		switch v := value.(type) {
		case nil:
			*to = nil
			return nil
		case []byte:
			*to = v
			return nil
		case string:
			*to = []byte(v)
			return nil
		}
	case *int64:
		if v, ok := value.(int64); ok {
			*to = v
			return nil
		}
	case *int:
		if v, ok := value.(int64); ok && int64(int(v)) == v {
			*to = int(v)
			return nil
		}
	case *bool:
		switch v := value.(type) {
		case bool:
			*to = v
			return nil
		case int64: // an expression has no declared type
			*to = v != 0
			return nil
		}
	case *time.Time:
		return (*micros)(to).Scan(value)
	case **time.Time:
		return (&maybeMicros{to}).Scan(value)
	case **string:
		if value == nil {
			*to = nil
			return nil
		}
		*to = new(string)
		return assign(*to, value)
	case *any:
		*to = value
		return nil
	case sql.Scanner:
		return to.Scan(value)
	}
	return assignOther(reflect.ValueOf(dest), value)
}

// assignOther is assign by reflection.
func assignOther(dest reflect.Value, value driver.Value) error {
	if dest.Kind() != reflect.Pointer || dest.IsNil() {
		return fmt.Errorf("%s is no place for a value", dest.Type())
	}
	to := dest.Elem()
	switch v := value.(type) {
	case nil:
		if to.Kind() == reflect.Pointer {
			to.SetZero()
			return nil
		}
	case string:
		if to.Kind() == reflect.String {
			to.SetString(v)
			return nil
		}
	case int64:
		if to.CanInt() && !to.OverflowInt(v) {
			to.SetInt(v)
			return nil
		}
		if to.CanUint() && v >= 0 && !to.OverflowUint(uint64(v)) {
			to.SetUint(uint64(v))
			return nil
		}
	case float64:
		if to.CanFloat() {
			to.SetFloat(v)
			return nil
		}
	}
	if to.Kind() == reflect.Pointer {
		to.Set(reflect.New(to.Type().Elem()))
		return assign(to.Interface(), value)
	}
	return fmt.Errorf("a %T does not fit into %s", value, to.Type())
}
