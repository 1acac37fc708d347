from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("support", "0010_first_promises")]

    operations = [
        migrations.AddField(
            model_name="adjustment",
            name="currency",
            field=models.CharField(default="", max_length=3),
            preserve_default=False,
        ),
    ]
