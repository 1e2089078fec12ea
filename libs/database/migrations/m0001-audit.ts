import { Migration } from '@mikro-orm/migrations';

export class M0001Audit extends Migration {
  override up(): void {
    this.addSql(`
      create table audit_policy (
        name text not null default 'audit',
        era int not null default 1,
        keep_months int null,
        constraint audit_policy_pkey primary key (name)
      )`);
    this.addSql('insert into audit_policy default values');
    this.addSql(`
      create table security_event (
        id uuid not null,
        type text not null,
        severity text not null,
        occurred_at timestamptz not null,
        recorded_at timestamptz not null default now(),
        actor_id uuid null,
        actor_kind text not null,
        target_kind text null,
        target_id text null,
        address_prefix text null,
        correlation_id text null,
        source text null,
        count int not null default 1,
        details jsonb not null,
        era int not null default 1,
        transaction_id xid8 not null default pg_current_xact_id(),
        constraint security_event_pkey primary key (id)
      ) partition by range (id)`);
    this.addSql('create index security_event_recent on security_event (occurred_at, id)');
    this.addSql('create index security_event_by_type on security_event (type, occurred_at)');
    this.addSql('create index security_event_by_actor on security_event (actor_id, occurred_at)');
    this.addSql('create index security_event_by_target on security_event (target_id, occurred_at)');
    this.addSql('create index security_event_order on security_event (era, transaction_id, id)');
    this.addSql(`
      create table audit_seal (
        number bigint not null,
        first_position bigint not null,
        event_count int not null,
        era int not null,
        last_transaction xid8 not null,
        leaves bytea not null,
        root bytea not null,
        previous_hash bytea not null,
        hash bytea not null,
        sealed_at timestamptz not null,
        constraint audit_seal_pkey primary key (number)
      )`);
    this.addSql('create unique index audit_seal_position on audit_seal (first_position)');
    this.addSql('alter table audit_seal alter leaves set storage external');
    this.addSql(`
      create function audit_is_append_only() returns trigger language plpgsql as $$
      begin
        raise exception '% is append-only', tg_table_name using errcode = '42501';
      end $$`);
    for (const table of ['security_event', 'audit_seal']) {
      this.addSql(`
        create trigger ${table}_append_only before update or delete on ${table}
          for each row execute function audit_is_append_only()`);
      this.addSql(`
        create trigger ${table}_never_truncated before truncate on ${table}
          for each statement execute function audit_is_append_only()`);
    }
    this.addMonths();
    this.addEras();
    this.addFollowers();
  }

  /** One partition a month of uuid v7 ids, and one for whatever no month takes. */
  private addMonths(): void {
    this.addSql('create table security_event_rest partition of security_event default');
    this.addSql(`
      create trigger security_event_never_truncated before truncate on security_event_rest
        for each statement execute function audit_is_append_only()`);
    this.addSql(`
      create function security_event_first_id(month date) returns uuid language sql immutable as $$
        select (lpad(to_hex((extract(epoch from month::timestamp at time zone 'UTC') * 1000)::bigint), 12, '0')
          || repeat('0', 20))::uuid
      $$`);
    this.addSql(`
      create function security_event_month_of(id uuid) returns date language sql immutable as $$
        select date_trunc('month', to_timestamp(('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
          / 1000.0) at time zone 'UTC')::date
      $$`);
    this.addSql(`
      create function security_event_open_months(ahead int) returns int language plpgsql
        security definer set search_path = public, pg_temp as $$
      declare
        this_month date := date_trunc('month', now() at time zone 'UTC')::date;
        months date[];
        month date;
        child text;
        made int := 0;
      begin
        perform pg_advisory_xact_lock(4000245);
        select array_agg(wanted order by wanted) into months from (
          select (this_month + make_interval(months => n))::date from generate_series(0, least(ahead, 24)) as n
          union
          select security_event_month_of(id) from security_event_rest where security_event_month_of(id) < this_month
        ) as all_months (wanted);
        foreach month in array months loop
          child := 'security_event_' || to_char(month, 'YYYYMM');
          continue when to_regclass(child) is not null;
          execute format('create table %I (like security_event including all)', child);
          execute format('create trigger security_event_never_truncated before truncate on %I
            for each statement execute function audit_is_append_only()', child);
          if exists (select from security_event_rest where id >= security_event_first_id(month)
            and id < security_event_first_id((month + interval '1 month')::date))
          then
            alter table security_event_rest disable trigger security_event_append_only;
            execute format('with moved as (delete from security_event_rest where id >= $1 and id < $2 returning *)
              insert into %I select * from moved', child)
              using security_event_first_id(month), security_event_first_id((month + interval '1 month')::date);
            alter table security_event_rest enable trigger security_event_append_only;
          end if;
          execute format('alter table security_event attach partition %I for values from (%L) to (%L)', child,
            security_event_first_id(month), security_event_first_id((month + interval '1 month')::date));
          made := made + 1;
        end loop;
        return made;
      end $$`);
    this.addSql('select security_event_open_months(2)');
    this.addSql(`
      create function security_event_drop_month(event_id uuid) returns date language plpgsql
        security definer set search_path = public, pg_temp as $$
      declare
        keep int;
        month date;
        child text;
        is_sealed boolean;
        dropped bigint;
      begin
        select keep_months into keep from audit_policy;
        select min(to_date(right(c.relname, 6), 'YYYYMM')) into month
          from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = 'security_event'::regclass and c.relname ~ '^security_event_[0-9]{6}$';
        if keep is null or month is null
          or month + make_interval(months => keep + 1) > date_trunc('month', now() at time zone 'UTC')
        then
          return null;
        end if;
        child := 'security_event_' || to_char(month, 'YYYYMM');
        perform pg_advisory_xact_lock(4000244);
        execute format('lock table %I in exclusive mode', child);
        execute format('select not exists (
            select from %I e where (e.era, e.transaction_id, e.id) > (s.era, s.last_transaction,
              encode(substr(s.leaves, length(s.leaves) - 47, 16), ''hex'')::uuid))
          from audit_seal s order by number desc limit 1', child) into is_sealed;
        execute format('select count(*) from %I', child) into dropped;
        if dropped > 0 and is_sealed is not true then
          raise exception 'month % is not sealed', to_char(month, 'YYYY-MM') using errcode = '55000';
        end if;
        execute format('alter table security_event detach partition %I', child);
        execute format('drop table %I', child);
        delete from audit_context where audit_context.event_id < security_event_first_id((month + interval '1 month')::date);
        insert into security_event (id, type, severity, occurred_at, actor_kind, target_kind, target_id, details)
        values (security_event_drop_month.event_id, 'audit.pruned', 'notice', clock_timestamp(), 'system', 'month',
          to_char(month, 'YYYY-MM'),
          jsonb_build_object('before', to_char(month + interval '1 month', 'YYYY-MM'), 'events', dropped));
        return month;
      end $$`);
  }

  /** Transaction ids begin anew where a dump is restored; an era keeps the order. */
  private addEras(): void {
    this.addSql(`
      create function audit_begin_era_if_restored() returns int language plpgsql as $$
      declare
        current_era int;
        latest xid8;
      begin
        perform pg_advisory_xact_lock(4000244);
        select era into current_era from audit_policy;
        select greatest(
          (select last_transaction from audit_seal where era = current_era order by number desc limit 1),
          (select transaction_id from security_event where era = current_era order by transaction_id desc limit 1)
        ) into latest;
        if latest is null or latest < pg_snapshot_xmax(pg_current_snapshot()) then
          return current_era;
        end if;
        update audit_policy set era = current_era + 1;
        execute format('alter table security_event alter era set default %s', current_era + 1);
        return current_era + 1;
      end $$`);
  }

  private addFollowers(): void {
    this.addSql(`
      create table audit_cursor (
        name text not null,
        position bigint not null default 0,
        moved_at timestamptz not null default now(),
        failures int not null default 0,
        next_try_at timestamptz not null default now(),
        last_error text null,
        constraint audit_cursor_pkey primary key (name)
      )`);
    this.addSql(`
      create table audit_context (
        event_id uuid not null,
        device text null,
        network text null,
        constraint audit_context_pkey primary key (event_id)
      )`);
    this.addSql(`
      create table audit_verification (
        name text not null,
        checked_at timestamptz not null,
        through_seal bigint not null,
        through_hash text null,
        events bigint not null,
        fault jsonb null,
        constraint audit_verification_pkey primary key (name)
      )`);
    this.addSql(`
      create table audit_alert (
        rule text not null,
        subject text not null,
        severity text not null,
        raised_at timestamptz not null,
        seen_at timestamptz not null,
        cleared_at timestamptz null,
        details jsonb not null,
        constraint audit_alert_pkey primary key (rule, subject)
      )`);
  }

  override down(): void {
    for (const table of [
      'security_event',
      'audit_seal',
      'audit_policy',
      'audit_cursor',
      'audit_context',
      'audit_verification',
      'audit_alert',
    ]) {
      this.addSql(`drop table ${table}`);
    }
    for (const name of [
      'security_event_open_months(int)',
      'security_event_drop_month(uuid)',
      'security_event_first_id(date)',
      'security_event_month_of(uuid)',
      'audit_begin_era_if_restored()',
      'audit_is_append_only()',
    ]) {
      this.addSql(`drop function ${name}`);
    }
  }
}
