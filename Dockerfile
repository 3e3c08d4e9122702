# Fabula as a container: `docker build -t fabula .`, then
# `docker run --rm -v "$PWD:/data" fabula generate shop.yaml -o out/`.
# EXTRAS chooses what is in it: `docker build --build-arg EXTRAS=learned,mask .`
FROM python:3.13-slim AS build
ARG EXTRAS=programs,learned,mask,excel,databases
COPY . /source
RUN pip install --no-cache-dir --prefix /install "/source[${EXTRAS}]"

FROM python:3.13-slim
COPY --from=build /install /usr/local
RUN useradd --create-home fabula
USER fabula
WORKDIR /data
ENTRYPOINT ["fabula"]
