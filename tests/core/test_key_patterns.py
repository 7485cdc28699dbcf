import pytest

from jupyter_schedule.core.key_patterns import find_keys

# Put together here, so that nobody's scanner takes this file for a leak.
AWS = "AKIA" + "IOSFODNN7ABCDEFG"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"key = '{AWS}'", "an AWS access key"),
        ("-----BEGIN " + "RSA PRIVATE KEY-----", "a private key"),
        ("-----BEGIN " + "PRIVATE KEY-----", "a private key"),
        ("x('gh" + "p_" + "a1B2" * 9 + "')", "a GitHub token"),
        ("github" + "_pat_" + "a1B2" * 9, "a GitHub token"),
        ("gl" + "pat-" + "a1B2" * 5, "a GitLab token"),
        ("xo" + "xb-123456789012-abcdef", "a Slack token"),
        ("AI" + "za" + "a" * 35, "a Google API key"),
        ("sk" + "_live_" + "a1B2" * 6, "a Stripe key"),
        ("hf" + "_" + "a1B2" * 9, "a Hugging Face token"),
        ("sk" + "-ant-" + "a1B2" * 9, "an OpenAI or Anthropic key"),
        ("create_engine('postgresql://me:hunter22@db/x')", "a password in an address"),
        ("password = 'hunter22'", "a password or token"),
        ("connect(user='me', password=\"hunter22\")", "a password or token"),
        ("config['api_key'] = 'a1b2c3d4'", "a password or token"),
        ("{'token': 'a1b2c3d4'}", "a password or token"),
    ],
)
def test_what_looks_like_a_key_is_named_by_its_kind(text: str, what: str) -> None:
    """With its line, never with the key."""
    assert list(find_keys(f"x = 1\n{text}\n")) == [(what, 2)]


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['PASSWORD']",
        "password = ''",
        "password = '<your password>'",
        "token = '${TOKEN}'",
        "api_key = 'changeme'",
        "password = getpass.getpass('Password: ')",
        "pd.read_csv('https://example.org:8080/a@b.csv')",
        f"postgresql://{{user}}:{{password}}@db/x {AWS.lower()}",
        "tokens = 'a b c d e f'",
        "",
    ],
)
def test_ordinary_text_is_no_key(text: str) -> None:
    """Placeholders, variables and addresses without a password."""
    assert list(find_keys(text)) == []
