import { Migration } from '@mikro-orm/migrations';

export class M0003Access extends Migration {
  override up(): void {
    this.addSql(`
      create table app_user (
        id uuid not null,
        email text not null,
        name text not null,
        role text not null,
        password_hash text null,
        password_pepper_id text null,
        password_changed_at timestamptz null,
        sessions_not_before timestamptz not null default '-infinity',
        created_at timestamptz not null default clock_timestamp(),
        disabled_at timestamptz null,
        constraint app_user_pkey primary key (id),
        constraint app_user_email_unique unique (email),
        constraint app_user_role_check check (role in ('user', 'agent', 'admin'))
      )`);
    this.addSql(`
      create table user_session (
        id uuid not null,
        user_id uuid not null,
        created_at timestamptz not null,
        authenticated_at timestamptz not null,
        method text not null,
        device_label text not null,
        address_prefix cidr not null,
        ended_at timestamptz null,
        end_reason text null,
        constraint user_session_pkey primary key (id),
        constraint user_session_user_id_foreign foreign key (user_id) references app_user (id)
      )`);
    this.addSql('create index user_session_by_user on user_session (user_id, created_at)');
    this.addSql(`
      create table refresh_token (
        session_id uuid not null,
        user_id uuid not null,
        current_hash bytea not null,
        previous_hash bytea null,
        sealed_successor bytea null,
        generation int not null default 0,
        rotated_at timestamptz null,
        late_replays smallint not null default 0,
        device_hash bytea not null,
        idle_seconds int not null,
        last_used_at timestamptz not null,
        idle_expires_at timestamptz not null,
        absolute_expires_at timestamptz not null,
        ended_at timestamptz null,
        constraint refresh_token_pkey primary key (session_id),
        constraint refresh_token_session_id_foreign foreign key (session_id) references user_session (id)
          on delete cascade
      ) with (fillfactor = 70)`);
    this.addSql('create index refresh_token_live on refresh_token (user_id) where ended_at is null');
    this.addSql('create index refresh_token_end on refresh_token (absolute_expires_at)');
    this.addSql('create index refresh_token_ended on refresh_token (ended_at) where ended_at is not null');
    this.addSql(`
      create function refresh_token_tells_end() returns trigger language plpgsql as $$
      begin
        perform pg_notify('session_ended', new.session_id::text);
        return null;
      end $$`);
    this.addSql(`
      create trigger refresh_token_end_told after update on refresh_token
        for each row when (old.ended_at is null and new.ended_at is not null)
        execute function refresh_token_tells_end()`);
    this.addSql(`
      create table signing_key (
        id text not null,
        algorithm text not null,
        public_key jsonb not null,
        sealed_private_key bytea not null,
        secret_id text not null,
        created_at timestamptz not null default clock_timestamp(),
        signs_from timestamptz not null,
        verifies_until timestamptz null,
        retired_at timestamptz null,
        constraint signing_key_pkey primary key (id)
      )`);
    this.addSql(`
      create table api_token (
        id uuid not null,
        user_id uuid not null,
        name text not null,
        secret_hash bytea not null,
        scopes text[] not null,
        created_at timestamptz not null default clock_timestamp(),
        expires_at timestamptz not null,
        last_used_at timestamptz null,
        ended_at timestamptz null,
        constraint api_token_pkey primary key (id),
        constraint api_token_user_id_foreign foreign key (user_id) references app_user (id)
      )`);
    this.addSql('create index api_token_by_user on api_token (user_id)');
    this.addSql(`
      create table password_reset (
        secret_hash bytea not null,
        user_id uuid not null,
        expires_at timestamptz not null,
        constraint password_reset_pkey primary key (secret_hash),
        constraint password_reset_user_id_unique unique (user_id),
        constraint password_reset_user_id_foreign foreign key (user_id) references app_user (id)
      )`);
  }

  override down(): void {
    this.addSql('drop table password_reset, api_token, signing_key, refresh_token, user_session, app_user');
    this.addSql('drop function refresh_token_tells_end()');
  }
}
