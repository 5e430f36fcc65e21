-- A substrate with the functions, roles and error codes that Kora's documents name, made by us for examples and tests.
-- Not Kora's own migrations, which lie elsewhere.

CREATE ROLE kronicle_app_role NOLOGIN;
CREATE ROLE app_admin NOLOGIN;
CREATE ROLE app_authenticated NOLOGIN;
-- Who runs this: may call, may not write a table.
CREATE ROLE ops LOGIN IN ROLE kronicle_app_role, app_authenticated;
CREATE ROLE stranger LOGIN;

CREATE TABLE public.actor_registry (
    actor_id uuid PRIMARY KEY,
    workspace_id text NOT NULL,
    actor_kind text NOT NULL,
    deactivated_at timestamptz
);
INSERT INTO public.actor_registry VALUES
    ('11111111-1111-4111-8111-111111111111', 'org_a', 'operator', NULL),
    ('22222222-2222-4222-8222-222222222222', 'org_a', 'kora', NULL),
    ('33333333-3333-4333-8333-333333333333', 'org_a', 'operator', now()),
    ('44444444-4444-4444-8444-444444444444', 'org_b', 'operator', NULL);
GRANT SELECT ON public.actor_registry TO PUBLIC;

CREATE TABLE public.kora_dr_epoch_substrate (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    substrate_contract_version bigint NOT NULL,
    substrate_epoch bigint NOT NULL CHECK (substrate_epoch > 0),
    kora_known_epoch bigint
);
INSERT INTO public.kora_dr_epoch_substrate VALUES (true, 1, 6, 6);

CREATE FUNCTION public.substrate_epoch() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS
    'SELECT substrate_epoch FROM public.kora_dr_epoch_substrate';
CREATE FUNCTION public.kora_known_epoch() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS
    'SELECT kora_known_epoch FROM public.kora_dr_epoch_substrate';
CREATE FUNCTION public.substrate_contract_version() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS
    'SELECT substrate_contract_version FROM public.kora_dr_epoch_substrate';

CREATE FUNCTION public.bump_substrate_epoch(operator uuid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE moved bigint;
BEGIN
    PERFORM FROM public.actor_registry
        WHERE actor_id = operator AND actor_kind = 'operator' AND deactivated_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'bump is operator-only' USING ERRCODE = '42501';
    END IF;
    UPDATE public.kora_dr_epoch_substrate SET substrate_epoch = substrate_epoch + 1 RETURNING substrate_epoch INTO moved;
    RETURN moved;
END $$;

CREATE FUNCTION public.kora_write_known_epoch(observed bigint, kora uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE known bigint;
BEGIN
    PERFORM FROM public.actor_registry WHERE actor_id = kora AND actor_kind = 'kora' AND deactivated_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the known epoch is written by kora' USING ERRCODE = '42501';
    END IF;
    SELECT kora_known_epoch INTO known FROM public.kora_dr_epoch_substrate;
    IF known IS NOT NULL AND observed < known THEN
        RAISE EXCEPTION 'monotonic violation: observed % is behind kora_known_epoch %', observed, known
            USING ERRCODE = '23514';
    END IF;
    UPDATE public.kora_dr_epoch_substrate SET kora_known_epoch = observed;
    RETURN observed;
END $$;

REVOKE EXECUTE ON FUNCTION public.bump_substrate_epoch(uuid), public.kora_write_known_epoch(bigint, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.bump_substrate_epoch(uuid) TO kronicle_app_role, app_admin;

CREATE TABLE public.kora_control (
    command_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id text NOT NULL,
    issuer_session_id text NOT NULL,
    issuer_actor_id uuid NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 5),
    kind text NOT NULL,
    reason text CHECK (length(reason) <= 2000),
    lifecycle_state text NOT NULL DEFAULT 'created',
    created_at timestamptz NOT NULL DEFAULT now()
);
-- Rows are seen by workspace, and written by no one but the function below.
ALTER TABLE public.kora_control ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_workspace ON public.kora_control FOR SELECT
    USING (workspace_id = current_setting('app.workspace_id', true));
GRANT SELECT ON public.kora_control TO app_authenticated;

CREATE FUNCTION public.issue_kora_control(
    p_workspace_id text, p_issuer_session_id text, p_issuer_actor_id uuid, p_level smallint, p_kind text,
    p_reason text = NULL, p_target_session text = NULL, p_expires_at timestamptz = NULL,
    OUT out_command_id uuid, OUT out_sequence bigint, OUT out_lifecycle_state text,
    OUT out_superseded_command_ids uuid[], OUT out_chain_event_id uuid
) LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE issuer public.actor_registry;
DECLARE kinds text[] := ARRAY['reset', 'pause', 'drain', 'abort', 'kill', 'kill'];
BEGIN
    SELECT * INTO issuer FROM public.actor_registry
        WHERE actor_id = p_issuer_actor_id AND deactivated_at IS NULL AND workspace_id = p_workspace_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown actor, or of another workspace' USING ERRCODE = '22023';
    ELSIF issuer.actor_kind = 'kora' THEN
        RAISE EXCEPTION 'kora issues no commands' USING ERRCODE = '42501';
    ELSIF p_level = 0 AND issuer.actor_kind <> 'operator' THEN
        RAISE EXCEPTION 'level=0 reset is operator-only' USING ERRCODE = '42501';
    ELSIF p_level NOT BETWEEN 0 AND 5 OR p_kind <> kinds[p_level + 1] THEN
        RAISE EXCEPTION 'level % is not of kind %', p_level, p_kind USING ERRCODE = '22023';
    END IF;
    out_superseded_command_ids := '{}';
    IF p_level = 0 THEN
        WITH lifted AS (
            UPDATE public.kora_control SET lifecycle_state = 'superseded'
            WHERE workspace_id = p_workspace_id AND level > 0
              AND lifecycle_state IN ('created', 'visible_to_runtime', 'acknowledged', 'enforcing')
            RETURNING command_id
        ) SELECT coalesce(array_agg(command_id), '{}') INTO out_superseded_command_ids FROM lifted;
    END IF;
    INSERT INTO public.kora_control (workspace_id, issuer_session_id, issuer_actor_id, level, kind, reason)
        VALUES (p_workspace_id, p_issuer_session_id, p_issuer_actor_id, p_level, p_kind, p_reason)
        RETURNING command_id, sequence, lifecycle_state INTO out_command_id, out_sequence, out_lifecycle_state;
    out_chain_event_id := gen_random_uuid();
END $$;
REVOKE EXECUTE ON FUNCTION public.issue_kora_control FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.issue_kora_control TO app_authenticated;
