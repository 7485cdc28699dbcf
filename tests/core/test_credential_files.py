"""Names by which credentials are known, of some 160 kinds, and as many of files that belong to an analysis."""

import pytest

from jupyter_schedule.core.credential_files import CLUTTER, CREDENTIALS, HISTORY, PRIVATE_KEY, denial_reason

HELD = """
.env .env.local prod.env secrets.env env.sh .envrc .git-credentials .git/config .gitconfig .netrc .pgpass .ssh/config
.ssh/known_hosts id_rsa id_ed25519_work deploy_key deploy.pem server.key .aws/credentials aws-credentials.txt
credentials credentials.yml config/credentials.yml.enc master.key .config/gh/hosts.yml .config/gcloud/x
.docker/config.json .dockercfg .kube/config kubeconfig kubeconfig.yaml token.json token.txt gcloud-key.json
my-project-1a2b3c4d5e6f.json service-account-prod.json client_secret_1.json .cargo/credentials.toml .gem/credentials
.m2/settings.xml pip.conf .pip/pip.conf .config/pip/pip.conf .condarc .Renviron .Rhistory .Rprofile terraform.tfvars
x.auto.tfvars terraform.tfstate rclone.conf .config/rclone/rclone.conf .config/hub .mysql_history .psql_history
.bash_history .python_history .lesshst .viminfo .node_repl_history cookies.txt .gnupg/x key.asc secret.gpg vault.yml
ansible/vault_pass.txt .vault_pass .htpasswd wp-config.php database.yml settings_local.py local_settings.py secrets.py
secrets.toml secrets.yaml secret.yaml passwords.txt passwords.kdbx .databrickscfg .snowflake/config.toml
.dbt/profiles.yml profiles.yml .jupyter/jupyter_server_config.json jupyter_server_config.py
.local/share/jupyter/runtime/jpserver-1.json .local/share/jupyter/nbsignatures.db
.ipython/profile_default/history.sqlite .huggingface/token .cache/huggingface/token .kaggle/kaggle.json .config/openai
.openai .wandb .netrc.gpg openrc.sh .s3cfg .boto .mc/config.json .config/doctl/config.yaml .fly/config.yml .azure/x
.oci/config .terraformrc .terraform.d/credentials.tfrc.json .local/share/keyrings/login.keyring .password-store/x
.mozilla/firefox/logins.json id_rsa.pub staging.env.local db-password.txt db_password api_key.txt api-keys.json
apikey.json github_token.txt slack-token .telegram_token openai_key.txt my_api_key.py.bak google-oauth.json
oauth2.json auth.json private_key.txt signing-key.json connection_string.txt access_token.json refresh-token.json
bot_token.txt webhook_token.ini prod-secrets.yml app-secret.properties smtp_credentials.ini credentials.csv creds.json
logins.csv rootkey.csv accessKeys.csv passwords.csv secrets.md pgpass.conf odbc.ini .odbc.ini my.cnf .my.cnf
connections.toml local.properties nuget.config .hgrc .sentryclirc .config/uv/credentials .gradle/gradle.properties
.yarnrc.yml work.ovpn wg0.conf office.rdp cert.p12 AuthKey.p8 keystore.jks krb5.keytab krb5cc_1000 prod_rsa backup.kdb
shadow .smbcredentials .msmtprc firebase-adminsdk-x.json demo-firebase-adminsdk-ab1.json keyfile.json sa-key.json
bigquery_key.json .streamlit/secrets.toml kernel-3f2a.json .vault-token .pulumi/credentials.json .config/argocd/config
.sops.yaml keys.txt KEYS.TXT .dockerconfigjson login.keychain .rclone.conf .cdsapirc .ecmwfapirc .urs_cookies .dodsrc
.curlrc .wgetrc wallet/cwallet.sso token.pickle token_gmail.pickle local.settings.json appsettings.Production.json
env.production env.local kube.config tnsnames.ora .pg_service.conf renv.secrets pass.txt
""".split()  # noqa: SIM905  (a list of words)
INNOCENT = """
report.ipynb analysis.py data.csv requirements.txt environment.yml pyproject.toml setup.cfg setup.py Makefile
Dockerfile docker-compose.yml README.md LICENSE CHANGELOG.md .gitignore .gitattributes .dockerignore .editorconfig
.python-version .pre-commit-config.yaml .flake8 .pylintrc .prettierrc .eslintrc.json package.json package-lock.json
tsconfig.json config.json config.yaml config.toml settings.yaml settings.json params.yaml parameters.json options.ini
logging.conf environment.yaml env/x venv.md envelope.csv environment_data.csv env_vars.md .env.example .env.sample
.env.template keys.csv key_figures.csv keyboard.py monkey.csv turkey.json keynote.md keywords.txt key-results.xlsx
answer_keys.csv primary_keys.sql keyness.py hockey.csv donkey.txt tokenizer.json tokens.csv token_counts.csv
token_frequencies.json tokenize.py tokenization.ipynb tokens.parquet tokenizer_config.json special_tokens_map.json
vocab.txt merges.txt secretary.csv secret_santa.ipynb secret_garden.txt.csv secretariat.md password_strength.ipynb
password_policy.md passwords_entropy.png passenger.csv passengers.json passage.txt compass.yaml passport_counts.csv
bypass.sql credentialing.csv credential_rates.csv accreditation.json credits.csv credit.json author.json authors.csv
authority.yaml author_index.txt oauth_events.csv login_counts.csv logins_per_day.csv blogin.txt log.txt logs.json
history.csv history.json prehistory.txt histogram.py shadows.csv passwdless.md database.csv database.db databases.json
profile.csv profiles.csv profiles.json user_profiles.parquet cookies_recipe.csv cookie_sales.xlsx vault.csv
vaults.geojson vaulted.py kube_metrics.csv docker/config.json my.config/gcloud config/gcloud aws_costs.csv
azure_usage.json gcloud.md openai_usage.csv kaggle_titanic.csv snowflake.png boto_example.py pip_freeze.txt
conda-lock.yml poetry.lock uv.lock Pipfile Pipfile.lock renv.lock DESCRIPTION NAMESPACE project.toml Project.toml
Manifest.toml Cargo.toml Cargo.lock build.gradle pom.xml terraform.md main.tf variables.tf outputs.tf playbook.yml
inventory.ini hosts.csv hosts.txt nginx.conf supervisord.conf server.crt ca.cer fullchain.crt chain.csv public.json
privates.csv privacy.md private_label.csv license_plates.csv signing_ceremony.md ssh_sessions.csv data-20261130.json
run-123456789012.json model-v2.json overview.html index.html style.css app.js plot.png map.geojson shapes.shp
env.example appsettings.json tokenizer.pickle pass_rates.csv boarding-pass.png environment.json compass.txt
shapes.dbf points.gpkg a.parquet b.feather c.arrow model.pkl weights.npz sounds.wav überblick.csv umsätze.xlsx
""".split()  # noqa: SIM905  (a list of words)


def test_names_of_credentials_stay_out() -> None:
    """In any folder, and in capitals too."""
    assert len(HELD) >= 150
    assert [name for name in HELD if denial_reason(name) is None] == []
    assert [name for name in HELD if denial_reason(f"my work/{name.upper()}") is None] == []


def test_names_that_only_look_similar_go_along() -> None:
    assert len(INNOCENT) >= 150
    assert {name: why for name in INNOCENT if (why := denial_reason(name))} == {}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        *((name, CREDENTIALS) for name in (
            ".env", "a/.ENV.local", "x/.aws/config", ".netrc", ".docker/config.json", "home/.config/gcloud/x.db",
            "Service-Account-1.json", "client_secret_9.json", ".git-credentials", ".kube/config", "credentials.json",
        )),
        *((name, PRIVATE_KEY) for name in ("id_rsa", "ID_ED25519.pub", "a.PEM", ".ssh", ".ssh/config", "x/y.p12")),
        *((name, HISTORY) for name in (".git", "sub/.git/HEAD")),
        *((name, CLUTTER) for name in (".ipynb_checkpoints/a-checkpoint.ipynb", "a/__pycache__/")),
        *((name, None) for name in (
            "report.ipynb", "environment.yml", "docker/config.json", "config.json", "keys.csv", "data/monkey.csv",
            ".gitignore", "env/x", "my.config/gcloud", "config/gcloud", "requirements.txt", "überblick.csv",
        )),
    ],
)  # fmt: skip
def test_the_deny_list_knows_credentials_by_name(path: str, why: str | None) -> None:
    """In any folder, in capitals too; names that only look similar pass."""
    assert denial_reason(path) == why
