import { Migration } from '@mikro-orm/migrations';

export class M0009Traces extends Migration {
  override up(): void {
    this.addSql('alter table webhook_log add column traceparent text null');
  }

  override down(): void {
    this.addSql('alter table webhook_log drop column traceparent');
  }
}
