-- +goose Up

-- cut_log runs with the rights of the owner. Unless pg_temp is named, and
-- last, temporary tables of the caller come before those of the owner, and
-- their triggers would run with the owner's rights.
-- +goose StatementBegin
DO $$
BEGIN
	EXECUTE format('ALTER FUNCTION cut_log SET search_path = %I, pg_temp', current_schema());
END $$;
-- +goose StatementEnd
